package wire

import "fmt"

// MaxChunk bounds the data in a Chunk, so that a payload stays below MaxPayload whatever zstd makes of it.
const MaxChunk = 512 << 10

// MaxArtifact bounds an artifact, in bytes.
const MaxArtifact = 16 << 30

// MaxRegion bounds the answer to a Region, in bytes.
const MaxRegion = 4 << 20

// validateRegion checks a part of the answer to a Region. One that is refused has no data.
func (c *Chunk) validateRegion() error {
	refused, n := c.Region.Refused != RegionRefusal_REGION_SENT, int64(len(c.Data))
	switch {
	case c.Total < 0 || c.Total > MaxRegion || refused && c.Total > 0:
		return fmt.Errorf("region of %d bytes; one has at most %d, and none when it is refused", c.Total, MaxRegion)
	case c.Offset < 0 || c.Offset > c.Total-n || n == 0 && !refused:
		return fmt.Errorf("region: %d bytes at %d of %d", n, c.Offset, c.Total)
	}
	return nil
}

// Validate checks a chunk, which came from elsewhere, against every bound, without overflow.
func (c *Chunk) Validate() error {
	switch {
	case c.Region != nil:
		return c.validateRegion()
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
