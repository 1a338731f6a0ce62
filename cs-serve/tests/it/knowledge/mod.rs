mod graph;
mod value;
