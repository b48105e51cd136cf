package wire

import "crypto/sha256"

// A fork is a journal that has the id of another and other rows: its disk was restored from an image and went on, or two
// boxes wrote under one name. The hub refuses it, the agent sets it aside, and it comes to the hub as a journal of its
// own, under an id that follows from what it is: so it is the same fork after a restart, and two forks of one journal are
// told apart.

// ForkID returns the id under which a fork is sent: 16 bytes. written is the id that it was written under, checkpoint its
// newest signed checkpoint.
func ForkID(written []byte, checkpoint string) []byte {
	h := sha256.New()
	h.Write([]byte("lanewarden fork\x00"))
	h.Write(written)
	h.Write([]byte(checkpoint))
	return h.Sum(nil)[:len(written)]
}
