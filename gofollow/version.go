package gofollow

// Version is the version of the whole distribution: the Go package, the C
// library and the Python package. It stands here and nowhere else; the build
// files read it from this line.
const Version = "0.1.0"
