//! The reader rule by rule: forms, repairs with their places, faults, truncation, caps, duplicates, edges.

use videostr_core::graph::{ReplyGraph, ReplyNode, Suffix};
use videostr_core::labels::LabelTable;
use videostr_core::names::GraphStatus::{self, Bad, None as NoGraph, Ok, TooBig, Truncated};
use videostr_core::names::Repair;
use videostr_core::reader::{Caps, ParseContext, Reader, Reply};
use videostr_core::units::LengthUnit;

fn plane() -> ParseContext<'static> {
    ParseContext { dim: Some(2), ..ParseContext::default() }
}

fn read_text(text: &str, context: &ParseContext) -> Reply {
    let mut reply = Reply::default();
    reply.repairs.keep_places = true;
    Reader::new().read(text, context, &mut reply);
    reply
}

/// Reads a closed block.
fn read(block: &str, context: &ParseContext) -> Reply {
    read_text(&format!("<graph>{block}</graph>"), context)
}

/// Names of the repairs of a closed block with their places in it.
fn repairs(reply: &Reply) -> Vec<(&'static str, i64)> {
    reply.repairs.places.iter().map(|&(repair, at)| (repair.name(), i64::from(at) - 7)).collect()
}

/// Every frame as text, `t: id x y z | id x y`, in the order of the arrays.
fn show(graph: &ReplyGraph) -> Vec<String> {
    let one = |frame: &videostr_core::graph::ReplyFrame| {
        let nodes: Vec<String> = frame
            .nodes
            .clone()
            .map(|i| {
                let suffix = graph.nodes[i].suffix.value().map_or(String::new(), |n| format!(".{n}"));
                let centre: Vec<String> =
                    graph.nodes[i].xyz.iter().take(graph.nodes[i].dim.into()).map(f64::to_string).collect();
                format!("{}{suffix} {}", graph.foreign[graph.nodes[i].label as usize], centre.join(" "))
            })
            .collect();
        format!("{}: {}", frame.t.map_or("-".to_owned(), |t| t.to_string()), nodes.join(" | "))
    };
    graph.frames.iter().map(one).collect()
}

fn check(block: &str, context: &ParseContext, status: GraphStatus, frames: &[&str], bits: &[&str]) {
    let reply = read(block, context);
    let found: Vec<&str> =
        (0..18).filter(|bit| reply.repairs.bits >> bit & 1 == 1).map(|bit| Repair::NAMES[bit]).collect();
    assert_eq!(
        (reply.graph_status, show(&reply.graph), found),
        (status, frames.iter().map(|&s| s.into()).collect(), bits.to_vec()),
        "{block}"
    );
}

#[test]
fn every_form_of_one_graph_reads_the_same() {
    for block in [
        r#"{"frames":[{"t":0,"nodes":[["chair.1",[1,2]],["table",[4,6]]],"edges":[["chair.1","table",5]]}]}"#,
        r#"{"frames":[{"edges":[["table","chair.1",5]],"nodes":[["chair.1",[1,2]],["table",[4,6]]],"t":0}]}"#,
        r#"{"nodes":[["chair.1",[1,2]],["table",[4,6]]],"t":0.0,"edges":[["chair.1","table",5,]]}"#,
        r#"{"t":-0,"note":{"nodes":[1,{"t":2}]},"nodes":[{"center":[1,2],"id":"chair.1","label":"stool"},{"x":[[]],"label":"table","pos":[4,6]}],"edges":[["chair.1","table",5]]}"#,
        "@0\nchair.1 1 2\ntable 4 6\nchair.1 - table 5",
        "  @ 0 \r\n- chair 1: (1, 2);\r\n\n[table] 4,6\n{chair 1 - table} 5 ",
    ] {
        let reply = read(block, &plane());
        assert_eq!(reply.graph_status, Ok, "{block}");
        assert_eq!(show(&reply.graph), ["0: chair.1 1 2 | table 4 6"], "{block}");
        assert_eq!(reply.graph.edges.len(), 1, "{block}");
        assert_eq!(reply.graph.edges[0].distance, 5.0);
    }
    check(r#"[["chair.1",[1,2]],{"id":"table","position":[4,6]}]"#, &plane(), Ok, &["-: chair.1 1 2 | table 4 6"], &[]);
    check(
        r#"{"chair.1":[[1,2]],"table":[[4,6],[0,-0]]}"#,
        &plane(),
        Ok,
        &["-: chair.1 1 2 | table 4 6 | table 0 0"],
        &[],
    );
    check(r#"{"chair":[[1,2]],"nodes":[]}"#, &plane(), Ok, &["-: "], &[]);
    check(r#"{"chair":[[1,2]],"frames":[]}"#, &plane(), Ok, &[], &[]);
    check("[]", &plane(), Ok, &["-: "], &[]);
    check("{}", &plane(), Ok, &["-: "], &[]);
    check("@\n@5\nchair 1 2", &plane(), Ok, &["-: ", "5: chair 1 2"], &[]);
}

#[test]
fn escapes_in_names_and_keys_are_resolved() {
    check(
        r#"[["caf\u00e9 \ud83d\ude00.2",[1,2]],["a\"b\\c\/",[3,4]]]"#,
        &plane(),
        Ok,
        &["-: café 😀.2 1 2 | a\"b\\c/ 3 4"],
        &[],
    );
    check(r#"[["x\ud83dy",[1,2]]]"#, &plane(), Ok, &["-: x\u{fffd}y 1 2"], &[]);
    check(r#"{"cha\u0069r":[[1,2]],"chair":[[3,4]]}"#, &plane(), Ok, &["-: chair 1 2"], &["repeated_key"]);
    check(
        r#"{"\u0066rames":[{"\u0074":3,"node\u0073":[{"\u0069d":"chair","p\u006fs":[1,2]}]}]}"#,
        &plane(),
        Ok,
        &["3: chair 1 2"],
        &[],
    );
    check(r#"{"nodes":[["a",[1,2]]],"node\u0073":[]}"#, &plane(), Ok, &["-: a 1 2"], &["repeated_key"]);
    check(r#"[["a\qb",[1,2]]]"#, &plane(), Bad, &[], &[]);
    check("[[\"a\nb\",[1,2]]]", &plane(), Bad, &[], &[]);
}

#[test]
fn every_repair_has_its_place() {
    for (block, bits) in [
        ("``` json\n[]\n```", vec![("code_fence", 0), ("code_fence", 12)]),
        ("```json [] ```", vec![("code_fence", 0), ("code_fence", 11)]),
        ("[]```\nso", vec![("code_fence", 2), ("text_after", 6)]),
        (r#"[["a",[1,2,],],]"#, vec![("trailing_comma", 10), ("trailing_comma", 12), ("trailing_comma", 14)]),
        ("[['a',[1,2]]]", vec![("single_quotes", 2)]),
        (r"{nodes:[]}", vec![("bare_key", 1)]),
        (r#"{"nodes":[],"t":None}"#, vec![("python_literal", 16)]),
        (r#"{"nodes":[],"x":[True,False]}"#, vec![("python_literal", 17), ("python_literal", 22)]),
        (r#"[("a",[1,2])]"#, vec![("round_brackets", 1), ("round_brackets", 11)]),
        (r#"["a" "b"]"#, vec![("void_node", 1), ("missing_comma", 5), ("void_node", 5)]),
        (r#"{"nodes":[]"t":1}"#, vec![("missing_comma", 11)]),
        (r#"{"nodes":[],"nodes":[[["x"]]],"y":1,"y":2}"#, vec![("repeated_key", 12), ("repeated_key", 36)]),
        (r#"{"nodes":[],"meta":{"t":1,"t":2}}"#, vec![("repeated_key", 26)]),
        (r#"[["a",[1m,2 px]]]"#, vec![("unit", 8), ("unit", 12)]),
        ("[]//x\n#y\n/*z*/", vec![("comment", 2), ("comment", 6), ("comment", 9)]),
        ("[]]", vec![("text_after", 2)]),
        ("@0\nhello there", vec![("void_line", 3)]),
        (r#"{"nodes":[["a",[1,2]]],"edges":[["a","a",1]]}"#, vec![("void_edge", 32)]),
        ("@\na nan 2", vec![("void_node", 2)]),
        (r#"[["a.1",[1,2]],["a.1",[0,2]]]"#, vec![("duplicate_id", 1)]),
        ("@\n```\n@", vec![("code_fence", 2)]),
    ] {
        let reply = read(block, &plane());
        assert_eq!(reply.graph_status, Ok, "{block}");
        assert_eq!(repairs(&reply), bits, "{block}");
    }
}

#[test]
fn what_is_not_on_the_list_is_bad() {
    for block in [
        "",
        " \n",
        "[1,,2]",
        "[,]",
        "[1}",
        r#"{"nodes":[}}"#,
        r#"{"nodes"=[]}"#,
        r#"{"nodes" []}"#,
        r#"{"nodes":}"#,
        r#"{"frames":3}"#,
        r#"{"frames":{}}"#,
        r#"{"frames":[[]]}"#,
        r#"{"frames":[null]}"#,
        r#"{"nodes":{}}"#,
        r#"{"nodes":null}"#,
        r#"{"nodes":[],"edges":7}"#,
        r#"{"chair":7}"#,
        "[%]",
        "[1 / 2]",
        r#"["a" = 1]"#,
        "[:]",
        "{[]:1}",
        "hello",
        "# only a comment",
        "```\n```",
        "chair nan 2",
        r#"{"nodes":[]"#,
        "[",
    ] {
        let status = read(block, &plane()).graph_status;
        assert_eq!(status, Bad, "{block:?}");
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read(&deep(24), &plane()).graph_status, Ok);
    assert_eq!(read(&deep(25), &plane()).graph_status, Bad);
    let meta = |depth: usize| format!(r#"{{"nodes":[],"meta":{}}}"#, deep(depth));
    assert_eq!(read(&meta(23), &plane()).graph_status, Ok);
    assert_eq!(read(&meta(24), &plane()).graph_status, Bad);
}

#[test]
fn void_nodes_leave_the_others() {
    for item in [
        r#"["b",[1]]"#,
        r#"["b",[1,2,3]]"#,
        r#"["b",[1,true]]"#,
        r#"["b",[1,x]]"#,
        r#"["b",[1,"2"]]"#,
        r#"["b",[1,[2]]]"#,
        r#"["b",[NaN,2]]"#,
        r#"["b",[-Infinity,2]]"#,
        r#"["b",[1e999,2]]"#,
        r#"["b",[-1000000000.1,2]]"#,
        r#"["b",1,2]"#,
        r#"["b"]"#,
        "[]",
        "3",
        "null",
        r#""b""#,
        r#"["",[1,2]]"#,
        r#"["_",[1,2]]"#,
        r#"["b",[1,2],3]"#,
        "[1,[1,2]]",
        r#"{"id":"b"}"#,
        r#"{"center":[1,2]}"#,
        "{}",
        r#"["b",{"x":1}]"#,
        r#"["b",[1.2.3,2]]"#,
        r#"["b",[0x1,2]]"#,
        r#"["b",[1,2m3]]"#,
        r#"["b",[1,null]]"#,
        "[b,[1,2]]",
    ] {
        check(&format!(r#"[["a",[1,2]],{item}]"#), &plane(), Ok, &["-: a 1 2"], &["void_node"]);
    }
}

#[test]
fn void_lines_leave_the_others() {
    for line in ["b 1", "b", "1 2", "1 2 3", "b 1 2 3 4", "b.1 1 2 3 4", "b - c", "b - 1", "b - 1 2", "-", "?", "b 1 x"]
    {
        check(&format!("a 1 2\n{line}"), &plane(), Ok, &["-: a 1 2"], &["void_line"]);
    }
    for line in ["b nan 2", "b 1 -inf", "b 1 2e9", "b 1.5 2 3", "b 1 2 nan", "_ 1 2"] {
        check(&format!("a 1 2\n{line}"), &plane(), Ok, &["-: a 1 2"], &["void_node"]);
    }
    check("a 1 2 3\nb 1 2", &ParseContext { dim: Some(3), ..plane() }, Ok, &["-: a 1 2 3"], &["void_node"]);
    check("a 1 2 3\nb 1 2\nc 7 1 2 3", &ParseContext::default(), Ok, &["-: a 1 2 3 | b 1 2 | c.7 1 2 3"], &[]);
    check(r#"{"a":[[1,2,3],[1,2],4]}"#, &ParseContext::default(), Ok, &["-: a 1 2"], &["void_node"]);
    check(r#"[["a",[1e9,-1000000000]]]"#, &plane(), Ok, &["-: a 1000000000 -1000000000"], &[]);
}

#[test]
fn numbers_that_json_would_not_write_are_python_literals() {
    check(r#"[["a",[+1,.5]],["b",[1.,-.25]]]"#, &plane(), Ok, &["-: a 1 0.5 | b 1 -0.25"], &["python_literal"]);
    check("a +1 .5\nb 1. -.25", &plane(), Ok, &["-: a 1 0.5 | b 1 -0.25"], &[]);
}

#[test]
fn lengths_convert_and_other_units_are_dropped() {
    let metres = ParseContext { dim: Some(2), unit: Some(LengthUnit::Metre), ..ParseContext::default() };
    check(r#"[["a",[150cm,2 m]],["b",[0.001 km,3 s]]]"#, &metres, Ok, &["-: a 1.5 2 | b 1 3"], &["unit"]);
    check("a 150 cm 2m\nb 0.001km 3 s", &metres, Ok, &["-: a 1.5 2 | b 1 3"], &["unit"]);
    check("a 150 cm 2m", &plane(), Ok, &["-: a 150 2"], &["unit"]);
    check("@2 s\na 1 2", &metres, Ok, &["2: a 1 2"], &["unit"]);
    let reply = read("a 1 2\nb 3 4\na - b 150 cm 30°", &metres);
    assert_eq!((reply.graph.edges[0].distance, reply.graph.edges[0].angle), (1.5, Some(30.0)));
    let reply = read(r#"{"nodes":[["a",[1,2]],["b",[3,4]]],"edges":[["a","b",150 cm,30 deg]]}"#, &metres);
    assert_eq!((reply.graph.edges[0].distance, reply.graph.edges[0].angle), (1.5, Some(30.0)));
}

#[test]
fn times_that_are_no_numbers_are_no_times() {
    for t in ["null", "\"0\"", "true", "NaN", "1e999", "[0]", "soon"] {
        check(&format!(r#"{{"frames":[{{"t":{t},"nodes":[]}}]}}"#), &plane(), Ok, &["-: "], &[]);
    }
    for t in ["soon", "nan", "1e999", "1 2", "t=1"] {
        check(&format!("@{t}\na 1 2"), &plane(), Ok, &["-: a 1 2"], &["void_line"]);
    }
    check("@1e3:\na 1 2", &plane(), Ok, &["1000: a 1 2"], &[]);
}

#[test]
fn comments_in_lines_are_blanks() {
    check("a 1 2 # b 3 4\n# c 5 6\n// d\nx#2 7 8// e", &plane(), Ok, &["-: a 1 2 | x.2 7 8"], &["comment"]);
    check("a 1 /* 5\n6 */ 2\nb 3 4 /* to the end", &plane(), Ok, &["-: a 1 2 | b 3 4"], &["comment"]);
}

#[test]
fn duplicate_ids_keep_the_smallest_centre_in_any_order() {
    let nodes = [r#"["a.1",[2,1]]"#, r#"["b",[0,0]]"#, r#"["A-01",[1,9]]"#, r#"["b",[0,0]]"#, r#"["a.1",[1,8]]"#];
    for turn in 0..nodes.len() {
        let turned: Vec<&str> = nodes.iter().cycle().skip(turn).take(nodes.len()).copied().collect();
        let reply = read(&format!("[{}]", turned.join(",")), &plane());
        assert_eq!(reply.repairs.bits, Repair::DuplicateId.bit());
        let mut kept: Vec<String> = show(&reply.graph)[0][3..].split(" | ").map(str::to_owned).collect();
        kept.sort();
        assert_eq!(kept, ["a.1 1 8", "b 0 0", "b 0 0"]);
    }
}

#[test]
fn of_frames_with_one_time_the_first_by_its_sorted_nodes_counts() {
    let frames = [
        "@1\nb 1 2\na 3 4\nb - a 7\n",
        "@1\na 3 4\nb 1 2\nb - a 6\n",
        "@1.0\nb 1 1\na 3 5\n",
        "@2\nz 0 0\n",
        "@1\na 3 4\nb 1 2\nc 0 0\n",
    ];
    for turn in 0..frames.len() {
        let turned: String = frames.iter().cycle().skip(turn).take(frames.len()).copied().collect();
        let reply = read(&turned, &plane());
        assert_eq!(reply.graph_status, Ok);
        assert_eq!(reply.repairs.bits, Repair::DuplicateId.bit());
        assert_eq!(reply.graph.frames.len(), 2);
        let kept = reply.graph.frames.iter().find(|frame| frame.t == Some(1.0)).unwrap();
        assert_eq!(kept.nodes.len(), 2);
        assert_eq!(reply.graph.edges[kept.edges.clone()].iter().map(|edge| edge.distance).collect::<Vec<_>>(), [6.0]);
        let edge = reply.graph.edges[kept.edges.start];
        assert_eq!(reply.graph.nodes[edge.a as usize].xyz, [1.0, 2.0, 0.0]);
    }
    check("@1\na 1 2\n@1", &plane(), Ok, &["1: "], &["duplicate_id"]);
}

#[test]
fn edges_name_nodes_of_their_frame() {
    let reply = read(
        "@0\na 5 5\na 1 2\nb.1 3 4\nsofa 0 0\na - b.1 2 30\nB_1 - a 3\na - a 1\na - b 1\nb.1 - sofa -1\nb.1 - couch nan\nb.1 - a inf\n@1\nb.1 0 0\na - b.1 9",
        &plane(),
    );
    assert_eq!(reply.graph_status, Ok);
    assert_eq!(reply.graph.edges.len(), 1);
    let edge = reply.graph.edges[0];
    assert_eq!((reply.graph.nodes[edge.a as usize].xyz, edge.distance, edge.angle), ([1.0, 2.0, 0.0], 2.0, Some(30.0)));
    assert_eq!(repairs(&reply).iter().filter(|(name, _)| *name == "void_edge").count(), 6);
    let reply = read("a - b 5", &plane());
    assert_eq!((reply.graph_status, reply.repairs.bits), (Bad, Repair::VoidEdge.bit()));
    let reply = read("dining table 1 1 2\ntv 2 3 4\ndining table 1 - tv 2 7 20", &plane());
    assert_eq!(reply.graph.edges.len(), 1);
    assert_eq!((reply.graph.edges[0].distance, reply.graph.edges[0].angle), (7.0, Some(20.0)));
    for edge in [
        r#"["a","b"]"#,
        r#"["a","b","1"]"#,
        r#"["a","b",1,2,3]"#,
        r#"["a",1,2]"#,
        "7",
        r#"["a","b",-0.5]"#,
        r#"["a","b",true]"#,
    ] {
        let block = format!(r#"{{"nodes":[["a",[1,2]],["b",[3,4]]],"edges":[{edge},["a","b",1,"x"]]}}"#);
        let reply = read(&block, &plane());
        assert_eq!((reply.graph_status, reply.repairs.bits), (Ok, Repair::VoidEdge.bit()), "{edge}");
        assert_eq!((reply.graph.edges.len(), reply.graph.edges[0].angle), (1, None));
    }
}

#[test]
fn the_reference_gives_numbers_to_labels() {
    let table = LabelTable::new(["couch", "table"].into_iter(), &[("sofa".into(), "couch".into())]);
    let context = ParseContext { labels: Some(&table), dim: Some(2), ..ParseContext::default() };
    let reply =
        read("Sofa.2 1 2\nlamp 3 4\nTABLE 5 6\nlamp 7 8\nvase 0 0\nsofa.2 - couch_2 1\nsofa.2 - lamp 4", &context);
    let (couch, desk) = (table.id_of("couch").unwrap(), table.id_of("table").unwrap());
    assert!(reply.graph.nodes.iter().map(|node| node.label).eq([couch, 2, desk, 2, 3]));
    assert_eq!(reply.graph.foreign, ["lamp", "vase"]);
    assert_eq!(reply.graph.nodes[0].suffix, Suffix::number(2));
    assert_eq!(reply.graph.edges.len(), 1);
}

#[test]
fn many_foreign_labels_stay_apart() {
    let frame = |n: usize| format!("@{n}\nthing{n}x {n} 0\nthing{}x 0 {n}\n", n / 2);
    let lines = (0..2000).map(frame).collect::<Vec<_>>().concat();
    let caps = Caps { max_frames: 2000, ..Caps::default() };
    let reply = read(&lines, &ParseContext { caps, ..plane() });
    assert_eq!(reply.graph.foreign.len(), 2000);
    for n in 0..2000 {
        assert_eq!(reply.graph.foreign[reply.graph.nodes[2 * n].label as usize], format!("thing{n}x"));
        assert_eq!(reply.graph.foreign[reply.graph.nodes[2 * n + 1].label as usize], format!("thing{}x", n / 2));
    }
}

#[test]
fn caps_make_a_graph_too_big() {
    let caps = |caps: Caps| ParseContext { caps, ..plane() };
    let three = "@0\na 1 2\nb 3 4\nc nan 6\n@1";
    let edges = "a 1 2\nb 3 4\na - b 1\nx - y 2";
    let json = r#"{"frames":[{"nodes":[1,2]},{"nodes":[3],"edges":[4,5]}]}"#;
    for (block, max_frames, max_nodes, max_edges, status) in [
        (three, 2, 3, 0, Ok),
        (three, 1, 3, 0, TooBig),
        (three, 2, 2, 0, TooBig),
        (edges, 1, 2, 2, Ok),
        (edges, 1, 2, 1, TooBig),
        (json, 2, 2, 2, Ok),
        (json, 1, 2, 2, TooBig),
        (json, 2, 1, 2, TooBig),
        (json, 2, 2, 1, TooBig),
    ] {
        let reply = read(block, &caps(Caps { max_frames, max_nodes, max_edges, ..Caps::default() }));
        assert_eq!(reply.graph_status, status, "{block} {max_frames} {max_nodes} {max_edges}");
        assert_eq!(status == TooBig, reply.graph.frames.is_empty());
    }
    let text = "<think><graph>[]</graph></think><answer>B</answer>";
    let reply = read_text(text, &caps(Caps { max_bytes: text.len() - 1, ..Caps::default() }));
    assert_eq!((reply.graph_status, reply.format, reply.answer_blocks), (TooBig, true, 1));
    assert_eq!(read_text("long", &caps(Caps { max_bytes: 3, ..Caps::default() })).graph_status, TooBig);
    assert_eq!(read_text("long", &caps(Caps { max_bytes: 4, ..Caps::default() })).graph_status, NoGraph);
}

/// Cuts a graph at every byte: what is whole before the cut is kept, in order, and nothing else is read.
#[test]
fn truncation_at_every_byte_keeps_whole_nodes() {
    let json = r#"{"frames":[{"t":0,"nodes":[["chair.1",[1.5,2]],{"id":"tab\"le","center":[4,-6e0]}],"edges":[["chair.1","tab\"le",5]]},{"t":1,"nodes":[["x",[7,8]]]}]}"#;
    let lines = "@0\nchair.1 1.5 2\ntab\"le 4 -6e0\n@1\nx 7 8\n";
    let whole = ["0: chair.1 1.5 2 | tab\"le 4 -6", "1: x 7 8"];
    let ends = |text: &str, parts: [&str; 3]| parts.map(|part| text.find(part).unwrap() + part.len());
    for (text, [first, second, third]) in
        [(json, ends(json, ["[1.5,2]]", "-6e0]}", "[7,8]]"])), (lines, ends(lines, ["1.5 2\n", "-6e0\n", "7 8\n"]))]
    {
        for cut in 0..text.len() {
            let reply = read_text(&format!("<think><graph>{}", &text[..cut]), &plane());
            let frames = show(&reply.graph);
            let expected: Vec<&str> = match cut {
                _ if cut >= third => whole.to_vec(),
                _ if cut >= second => vec![whole[0]],
                _ if cut >= first => vec!["0: chair.1 1.5 2"],
                _ => vec![],
            };
            assert_eq!(frames, expected, "{}", &text[..cut]);
            // in lines a whole `@` line is readable by itself
            let readable = cut >= first || text == lines && cut >= 3;
            assert_eq!(reply.graph_status, if readable { Truncated } else { Bad }, "{}", &text[..cut]);
            assert_eq!(reply.repairs.bits, Repair::Truncation.bit(), "{}", &text[..cut]);
        }
    }
}

#[test]
fn a_cut_time_is_not_read() {
    let reply = read_text(r#"<graph>{"nodes":[["a",[1,2]]],"t":1"#, &plane());
    assert_eq!((reply.graph_status, show(&reply.graph)), (Truncated, vec!["-: a 1 2".to_owned()]));
}

/// The readers have a short way for nodes as the prompts show them: it gives the same bits as the general way.
#[test]
fn the_short_way_reads_what_the_general_way_reads() {
    let mut state = 7_u64;
    let mut digits = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    for _ in 0..3000 {
        let mut number = || {
            let sign = ["", "-"][usize::try_from(digits(2)).unwrap()];
            match digits(4) {
                0 => format!("{sign}{}", digits(1000)),
                1 => format!("{sign}0.{:0width$}", digits(100_000), width = usize::try_from(digits(15)).unwrap()),
                2 => format!("{sign}{}.{}", digits(100_000_000), digits(1_000_000_000)),
                _ => format!("{sign}{}e{}", digits(100), digits(6)),
            }
        };
        let (x, y) = (number(), number());
        let ways = [
            format!(r#"[["a.1",[{x},{y}]]]"#),
            format!(r#"[["a.1", [{x}, {y}]]]"#),
            format!(r#"[[ "a.1",[{x} ,{y}]]]"#),
            format!("a.1 {x} {y}\n"),
            format!(" a.1  {x}  {y}"),
        ];
        let expected = [x.parse::<f64>().unwrap() + 0.0, y.parse::<f64>().unwrap() + 0.0, 0.0].map(f64::to_bits);
        for way in ways {
            let reply = read(&way, &plane());
            assert_eq!((reply.graph_status, reply.repairs.bits, show(&reply.graph).len()), (Ok, 0, 1), "{way}");
            assert_eq!(reply.graph.nodes[0].xyz.map(f64::to_bits), expected, "{way}");
        }
    }
}

/// Numbers of several nodes are converted together: whatever stands between those, each node gets its own.
#[test]
fn many_nodes_are_read_as_the_general_way_reads_them() {
    let table = LabelTable::new(["chair", "traffic light"].into_iter(), &[]);
    let mut state = 11_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut node = |k: usize| {
        let name = match random(12) {
            0 => format!("unknown.{k}"),
            1 => format!("Traffic_Light-{k}"),
            2 => "chair".to_owned(),
            3 => format!("chair.{k}{}", "0".repeat(random(9))),
            _ => format!("chair.{k}"),
        };
        let mut number = || match random(24) {
            0 => format!("{}.{:09}", random(100), random(1_000_000_000)),
            1 => "-0.0".to_owned(),
            2 => format!("{}e1", random(9)),
            3 => "1e300".to_owned(),
            _ => format!("{}{}.{}", ["", "-"][random(2)], random(1000), random(1000)),
        };
        let numbers: Vec<String> = (0..3).map(|_| number()).collect();
        let count = if random(10) == 0 { 2 } else { 3 };
        (name, numbers[..count].to_vec())
    };
    let mut count = 0;
    for round in 0..1000 {
        let frames: Vec<Vec<_>> = (0..=round % 3).map(|_| (0..round % 71).map(&mut node).collect()).collect();
        let json = |space: &str| {
            let node =
                |(name, numbers): &(String, Vec<String>)| format!(r#"[{space}"{name}",[{}]]"#, numbers.join(","));
            let nodes = |frame: &Vec<_>| frame.iter().map(node).collect::<Vec<_>>().join(",");
            let frames: Vec<String> = frames.iter().map(|frame| format!(r#"{{"nodes":[{}]}}"#, nodes(frame))).collect();
            format!(r#"<graph>{{"frames":[{}]}}</graph>"#, frames.join(","))
        };
        let lines = |space: &str| {
            let node = |(name, numbers): &(String, Vec<String>)| format!("{space}{name} {}\n", numbers.join(" "));
            let nodes = |(t, frame): (usize, &Vec<_>)| format!("@{t}\n{}", frame.iter().map(node).collect::<String>());
            format!("<graph>{}</graph>", frames.iter().enumerate().map(nodes).collect::<String>())
        };
        let dim = [Some(3), None][round % 2];
        let context = ParseContext { labels: Some(&table), dim, ..ParseContext::default() };
        let mut reader = Reader::new();
        let mut read = |text: &str| {
            let mut reply = Reply::default();
            reader.read(text, &context, &mut reply);
            let node = |node: &ReplyNode| (node.xyz.map(f64::to_bits), node.suffix, node.label, node.dim);
            let nodes: Vec<_> = reply.graph.nodes.iter().map(node).collect();
            let ends: Vec<usize> = reply.graph.frames.iter().map(|frame| frame.nodes.end).collect();
            (reply.graph_status, reply.repairs.bits, reply.graph.foreign, ends, nodes)
        };
        let short = [read(&json("")), read(&lines(""))];
        count += short[0].4.len();
        assert_eq!(short, [read(&json(" ")), read(&lines(" "))], "{}", json(""));
    }
    assert!(count > 40_000, "{count}");
}

/// Ids of a frame's nodes, as names.
fn ids(reply: &Reply, frame: usize) -> Vec<(String, Suffix)> {
    let graph = &reply.graph;
    let nodes = graph.frames[frame].nodes.clone();
    nodes.map(|node| (graph.foreign[graph.nodes[node].label as usize].clone(), graph.nodes[node].suffix)).collect()
}

#[test]
fn a_frame_is_read_the_same_whatever_stands_before_it() {
    let nodes = [
        r#"["chair.1",[0,1,2]]"#,
        r#"["chair.10",[3,1,2]]"#,
        r#"["Chair_2", [4, 1, 2]]"#,
        r#"["chair",[5,1,2]]"#,
        r#"{"id":"lamp.1","center":[6,1,2]}"#,
        r#"["id",[7,1,2]]"#,
        r"['lamp.2',[8,1,2]]",
        r#"["la\u006dp.3",[9,1,2]]"#,
        r#"["lamp.4",[1,1,2]]"#,
        r#"["lamp.4]",[2,1,2]]"#,
        r#"["void",[1]]"#,
        r#"["",[1,2,3]]"#,
    ];
    let frame = |picks: &[usize]| {
        let inside: Vec<&str> = picks.iter().map(|&pick| nodes[pick]).collect();
        format!(r#"{{"nodes":[{}]}}"#, inside.join(","))
    };
    let read = |frames: &[String]| {
        let mut reply = Reply::default();
        let text = format!(r#"<graph>{{"frames":[{}]}}</graph>"#, frames.join(","));
        Reader::new().read(&text, &ParseContext::default(), &mut reply);
        reply
    };
    let mut state = 3_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..3000 {
        let mut picks = || -> Vec<usize> {
            let mut order: Vec<usize> = (0..nodes.len()).collect();
            for _ in 0..random(4) {
                let (a, b) = (random(order.len()), random(order.len()));
                order.swap(a, b);
                order.remove(random(order.len()));
            }
            order
        };
        let (first, second) = (picks(), picks());
        let both = read(&[frame(&first), frame(&second)]);
        assert_eq!(ids(&both, 0), ids(&read(&[frame(&first)]), 0), "{first:?}");
        assert_eq!(ids(&both, 1), ids(&read(&[frame(&second)]), 0), "{first:?} {second:?}");
    }
}
