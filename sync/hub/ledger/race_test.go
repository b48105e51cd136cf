//go:build race

package ledger

// The race detector makes each message six times slower, and each database takes them all; without it there are more.
func init() { hostileMessages = 3000 }
