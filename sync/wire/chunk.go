package wire

import "fmt"

// MaxChunk bounds the data in a Chunk, so that a payload stays below MaxPayload whatever zstd makes of it.
const MaxChunk = 512 << 10

// MaxArtifact bounds an artifact, in bytes.
const MaxArtifact = 16 << 30

// Validate checks a chunk, which came from elsewhere, against every bound, without overflow.
func (c *Chunk) Validate() error {
	switch {
	case len(c.Sha256) != 32:
		return fmt.Errorf("chunk: a SHA-256 has 32 bytes, not %d", len(c.Sha256))
	case c.Total < 0 || c.Total > MaxArtifact:
		return fmt.Errorf("chunk: artifact of %d bytes; one has at most %d", c.Total, int64(MaxArtifact))
	case len(c.Data) > MaxChunk:
		return fmt.Errorf("chunk: %d bytes; one has at most %d", len(c.Data), MaxChunk)
	case c.Offset < 0 || c.Offset > c.Total-int64(len(c.Data)):
		return fmt.Errorf("chunk: %d bytes at %d of %d", len(c.Data), c.Offset, c.Total)
	}
	return nil
}
