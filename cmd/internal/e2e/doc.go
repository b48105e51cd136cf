// Package e2e holds the tests of the whole: the real programs, a real broker, real databases, killed and cut off while
// under load. It has no code of its own.
package e2e
