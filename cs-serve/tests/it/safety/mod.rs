mod meaning;
mod words;
