mod graph;
mod linking;
mod value;
