mod check;
mod graph;
mod linking;
mod value;
