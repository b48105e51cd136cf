// Package carry takes what a hub does not have across by hand, where no link does: a file is written at the lane, taken in
// at the hub, and the hub's answer goes back the same way. The messages in it are those of the wire, so that what also
// comes by a link is at the hub once. docs/wire.md, "By hand".
package carry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
)

// A carried file is a tar file. Each member is one payload of the wire, named NUMBER-LEAF, where LEAF is the last level of
// its topic; the first is the hello, the last one is empty and named NUMBER-end. The extended header signatureRecord holds
// a note, signed with the agent's key, over the file's id, the member's name and its SHA-256: so a member cannot be altered,
// left out, or come from another file.
const (
	signatureRecord = "LANEWARDEN.note"
	leafEnd         = "end"
	firstLine       = "lanewarden carry"
	idBytes         = 16
)

// memberName returns the name of a member: its number, from 0, and what it is.
func memberName(number int, leaf string) string { return fmt.Sprintf("%09d-%s", number, leaf) }

// statement is what is signed of a member.
func statement(id []byte, name string, payload []byte) string {
	sum := sha256.Sum256(payload)
	return fmt.Sprintf("%s\n%x\n%s\n%x\n", firstLine, id, name, sum)
}

// checkMember returns an error unless the note was signed by the key and is about this member; id is the file's, nil for
// the first member, whose id is returned.
func checkMember(id []byte, signed, name string, payload []byte, key note.Verifier) ([]byte, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(key))
	if err != nil {
		return nil, message.Errorf("carry.signature", message.String("member", name))
	}
	if id == nil {
		lines := strings.Split(n.Text, "\n")
		if len(lines) < 2 {
			return nil, message.Errorf("carry.signature", message.String("member", name))
		}
		if id, err = hex.DecodeString(lines[1]); err != nil || len(id) != idBytes {
			return nil, message.Errorf("carry.signature", message.String("member", name))
		}
	}
	if n.Text != statement(id, name, payload) {
		return nil, message.Errorf("carry.altered", message.String("member", name))
	}
	return id, nil
}
