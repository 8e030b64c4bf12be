// Package arch has the rules of the source as tests: who may import whom and
// why, and how large things may grow.
package arch
