package observation

import (
	"bytes"
	"io"
)

// ArtifactReader reads the bytes of an artifact, from the beginning or anywhere.
type ArtifactReader interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// InlineArtifact reads an artifact that is in memory.
func InlineArtifact(data []byte) ArtifactReader { return inline{bytes.NewReader(data)} }

type inline struct{ *bytes.Reader }

func (inline) Close() error { return nil }
