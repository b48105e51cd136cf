package evidence

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation/coded"
)

// MaxCheckpointBytes bounds a signed checkpoint that is read from elsewhere.
const MaxCheckpointBytes = 2048

// Origin is the first line of every checkpoint: lanewarden/SITE/AGENT/JOURNAL, JOURNAL in lower-case hex.
func Origin(site, agent string, journal []byte) string {
	return fmt.Sprintf("%s/%x", KeyName(site, agent), journal)
}

// KeyName is the name of an agent's signing key: lanewarden/SITE/AGENT.
func KeyName(site, agent string) string {
	return "lanewarden/" + site + "/" + agent
}

// NewKey makes an agent's Ed25519 signing key in the form of golang.org/x/mod/sumdb/note: the secret one and the public
// one that verifies.
func NewKey(site, agent string) (signerKey, verifierKey string, err error) {
	return note.GenerateKey(rand.Reader, KeyName(site, agent))
}

// Checkpoint is the signed statement that the log had this root at this size.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(signer note.Signer) (string, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	return string(signed), err
}

// OpenCheckpoint checks the signature on a checkpoint and that it is of the expected origin.
func OpenCheckpoint(signed string, verifier note.Verifier, origin string) (Checkpoint, error) {
	c, err := openCheckpoint(signed, verifier)
	if err == nil && c.Origin != origin {
		err = coded.New("checkpoint.other-origin", coded.Value("origin", c.Origin), coded.Value("want", origin))
	}
	return c, err
}

// ReadCheckpoint returns what a checkpoint says, whoever signed it: for a checkpoint whose key is lost.
func ReadCheckpoint(signed string) (Checkpoint, error) {
	text, _, ok := strings.Cut(signed, "\n\n")
	if !ok || len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, coded.New("checkpoint.malformed")
	}
	return parseCheckpoint(text + "\n")
}

func openCheckpoint(signed string, verifier note.Verifier) (Checkpoint, error) {
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, coded.New("checkpoint.long", coded.Value("bytes", len(signed)),
			coded.Value("most", MaxCheckpointBytes))
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, noteError(err)
	}
	return parseCheckpoint(n.Text)
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return Checkpoint{}, coded.New("checkpoint.lines", coded.Value("n", len(lines)-1))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, coded.New("checkpoint.size", coded.Value("size", lines[1]))
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, coded.New("checkpoint.root", coded.Value("root", lines[2]))
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// noteError returns the error of a signed note (golang.org/x/mod/sumdb/note) that does not hold, as a message. It has
// three: the note is none, nobody known signed it, or the signature is not of this text.
func noteError(err error) error {
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		return coded.New("checkpoint.other-key")
	case errors.As(err, &invalid):
		return coded.New("checkpoint.forged")
	}
	return coded.New("checkpoint.malformed")
}
