mod value;
mod graph;
