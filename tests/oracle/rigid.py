"""Proper motions and their least-squares fits, with the test of uniqueness of scoring.md section 3.1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Motion:
    """x = scale · rotation @ y + shift."""

    rotation: np.ndarray
    shift: np.ndarray
    scale: float = 1.0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return self.scale * points @ self.rotation.T + self.shift


@dataclass(frozen=True)
class Group:
    """Which motions are allowed: so3 in three dimensions, so2 in the plane, yaw about up."""

    kind: str  # so3 | yaw | so2
    unit: float  # D
    free_scale: bool
    up: np.ndarray | None = None

    def flat(self, points: np.ndarray) -> np.ndarray:
        """The part of vectors that the group turns: horizontal for yaw, all of it else."""
        if self.kind != "yaw":
            return points
        assert self.up is not None
        return points - np.outer(points @ self.up, self.up).reshape(points.shape)

    def lengths(self, vectors: np.ndarray) -> np.ndarray:
        return np.linalg.norm(self.flat(vectors), axis=-1)

    def fit(self, x: np.ndarray, y: np.ndarray) -> Motion | None:
        """The least-squares motion of points y onto points x; None where its scale would not be positive."""
        mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
        x, y = x - mean_x, y - mean_y
        rotation = self._turn_in_space(x, y) if self.kind == "so3" else self._turn_in_plane(x, y)
        scale = self._scale(x, y @ rotation.T)
        return None if scale is None else Motion(rotation, mean_x - scale * rotation @ mean_y, scale)

    def fit_unique(self, x: np.ndarray, y: np.ndarray) -> Motion | None:
        """The same, or None where the least-squares motion is not unique."""
        x_centred, y_centred = x - x.mean(axis=0), y - y.mean(axis=0)
        if self.kind == "so3":
            u, sigma, vt = np.linalg.svd(x_centred.T @ y_centred)
            second = sigma[1] + np.sign(np.linalg.det(u @ vt)) * sigma[2]
            unique = second > 1e-6 * sigma[0] and sigma[0] > 1e-9 * self.unit**2
        else:
            products = float((self.lengths(x_centred) * self.lengths(y_centred)).sum())
            resultant = np.hypot(*self._cosine_and_sine(x_centred, y_centred))
            unique = resultant > 1e-6 * products and products > 1e-9 * self.unit**2
        return self.fit(x, y) if unique else None

    def _scale(self, x: np.ndarray, turned: np.ndarray) -> float | None:
        """The best scale of turned points onto x, both around their means, where it is positive."""
        if not self.free_scale:
            return 1.0
        products = float((x * turned).sum())
        return products / float((turned * turned).sum()) if products > 0 else None

    def _turn_in_space(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Kabsch 1976: x ≈ R y."""
        u, _, vt = np.linalg.svd(x.T @ y)
        return u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt

    def _turn_in_plane(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        cosine, sine = self._cosine_and_sine(x, y)
        resultant = np.hypot(cosine, sine)
        c, s = cosine / resultant, sine / resultant
        if self.up is None:
            return np.array([[c, -s], [s, c]])
        return turn_about(self.up, c, s)

    def _cosine_and_sine(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """The resultant of the products, as |x||y|cos and |x||y|sin of the angle from y to x, summed."""
        x, y = self.flat(x), self.flat(y)
        across = (y[:, 0] * x[:, 1] - y[:, 1] * x[:, 0]) if self.up is None else np.cross(y, x) @ self.up
        return float((x * y).sum()), float(across.sum())

    def fit_pair_by_smallest_turn(self, x: np.ndarray, y: np.ndarray) -> Motion | None:
        """so3 with two points: the direction of y onto that of x by the smallest rotation."""
        a, b = y[1] - y[0], x[1] - x[0]
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        axis, cosine = np.cross(a, b), float(a @ b)
        sine = float(np.linalg.norm(axis))
        if sine > 1e-12:
            rotation = turn_about(axis / sine, cosine, sine)
        elif cosine > 0:
            rotation = np.eye(3)
        else:  # half a turn, about any axis across
            across = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
            rotation = turn_about(across / np.linalg.norm(across), -1.0, 0.0)
        mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
        scale = self._scale(x - mean_x, (y - mean_y) @ rotation.T)
        return None if scale is None else Motion(rotation, mean_x - scale * rotation @ mean_y, scale)


def turn_about(axis: np.ndarray, cosine: float, sine: float) -> np.ndarray:
    """Rodrigues' rotation."""
    a, b, c = axis
    across = np.array([[0.0, -c, b], [c, 0.0, -a], [-b, a, 0.0]])
    return cosine * np.eye(3) + sine * across + (1.0 - cosine) * np.outer(axis, axis)
