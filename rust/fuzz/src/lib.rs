//! What the fuzz targets share: a graph as plain values, its rendering, and what a JSON graph says by the contract.

#![forbid(unsafe_code)]

pub mod contract;
pub mod plain;
pub mod render;
