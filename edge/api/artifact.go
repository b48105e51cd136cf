package api

import (
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"

	"lanewarden/drivers/message"
)

// Hash is the SHA-256 of an artifact, which is its name.
type Hash [32]byte

// UnmarshalText implements encoding.TextUnmarshaler. It accepts 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(h[:], text[:min(len(text), 2*len(h))]); err != nil || n != len(h) || len(text) != 2*len(h) {
		return message.Errorf("api.no-hash", message.Quoted("text", text))
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// String returns the hash as 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ServeArtifact answers a request with an artifact, or with the ranges of it that the request asks for. The media type
// is the caller's to decide, because a browser shows some types and runs others; "" leaves it to be saved only.
func ServeArtifact(w http.ResponseWriter, r *http.Request, h Hash, mediaType string, content io.ReadSeeker) {
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", strconv.Quote(h.String()))
	http.ServeContent(w, r, "", time.Time{}, content)
}

// ArtifactQuery is the request of GET /v1/artifacts/{sha256}.
type ArtifactQuery struct {
	SHA256 Hash `path:"sha256"`
	// Type is the media type of the answer. Only image/jpeg and image/png are, which a page may show; else the answer is
	// application/octet-stream.
	Type string `query:"type"`
}

// PictureQuery is the request of GET /v1/artifacts/{sha256}/picture.
type PictureQuery struct {
	SHA256   Hash   `path:"sha256"`
	Max      int    `query:"max" min:"1" max:"4096"` // longest side, pixels
	Region   string `query:"region"`                 // x,y,width,height in the artifact's own pixels
	Window   string `query:"window"`                 // DARK,LIGHT: what is black and white, shares of the usual window
	Exact    bool   `query:"exact"`                  // values as they are, 16 bits
	Invert   bool   `query:"invert"`
	Log      bool   `query:"log"`
	Equalise bool   `query:"equalise"` // CLAHE
	// With are other files of the same event: the other energy (pseudo-colour), a threat report (outlines).
	With []string `query:"with" max:"8"`
}
