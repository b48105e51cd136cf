// Package drawsecret is how the centre's daily secrets of random checks come down: sealed to the keys of a site's agents
// some days ahead, and in the clear when a day is over. docs/clearance.md tells what they are for, docs/orders.md how
// they come.
package drawsecret

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire/layout"
)

// Size is the size of a secret, bytes.
const Size = 32

const (
	sealedDir   = layout.SecretsPrefix + "draw/"
	revealedDir = layout.SecretsPrefix + "revealed/"
	sealedEnd   = ".age"
	revealedEnd = ".json"
)

// MaxBytes bounds a file: 256 recipients and a short text.
const MaxBytes = 64 << 10

// MostRecipients bounds the agents of a site for which one file is sealed.
const MostRecipients = 256

// Secret is a day's secret of a site.
type Secret struct {
	Site string `json:"site"`
	Day  string `json:"day"` // 2026-12-01, UTC
	Key  []byte `json:"secret"`
}

// Derive returns the secret of a day from the key that the centre keeps for a site. Whoever learns it learns nothing of
// other days.
func Derive(master ed25519.PrivateKey, site, day string) (Secret, error) {
	key, err := hkdf.Key(sha256.New, master.Seed(), nil, "lanewarden secret of a day 1\n"+site+"\n"+day, Size)
	return Secret{Site: site, Day: day, Key: key}, err
}

// Commitment returns the SHA-256 of the secret, which lanes and centre say before it is used.
func (s Secret) Commitment() []byte {
	sum := sha256.Sum256(s.Key)
	return sum[:]
}

// SealedPath returns the path under which a day's secret is published before the day is over.
func SealedPath(day string) string { return sealedDir + day + sealedEnd }

// RevealedPath returns the path under which a day's secret is published afterwards.
func RevealedPath(day string) string { return revealedDir + day + revealedEnd }

// ParsePath reads the path of a secret of a site; ok is false for what is none.
func ParsePath(path string) (day string, revealed, ok bool) {
	if day, ok = cut(path, sealedDir, sealedEnd); ok {
		return day, false, true
	}
	day, ok = cut(path, revealedDir, revealedEnd)
	return day, true, ok
}

func cut(path, before, after string) (day string, ok bool) {
	day, begins := strings.CutPrefix(path, before)
	day, ends := strings.CutSuffix(day, after)
	_, err := time.Parse(time.DateOnly, day)
	return day, begins && ends && err == nil
}

// Custom is what is published of a sealed secret beside its file.
type Custom struct {
	Commitment []byte   `json:"commitment"` // SHA-256 of the secret
	For        []string `json:"for"`        // ShortName of each key that can open it
}

// ShortName names an agent's key in a few letters.
func ShortName(recipient string) string {
	sum := sha256.Sum256([]byte(recipient))
	return hex.EncodeToString(sum[:6])
}

// Seal returns the file of a secret that the agents with these keys can open.
func Seal(s Secret, recipients []string) ([]byte, error) {
	if len(recipients) == 0 || len(recipients) > MostRecipients {
		return nil, message.Errorf("secrets.recipients", message.Int("n", len(recipients)), message.Int("most", MostRecipients))
	}
	var to []age.Recipient
	for _, text := range recipients {
		one, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, message.Errorf("secrets.recipient", message.Quoted("key", text))
		}
		to = append(to, one)
	}
	text, err := s.Open()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Open returns the file of a secret that is revealed.
func (s Secret) Open() ([]byte, error) { return json.Marshal(s) }

// Unseal opens a sealed file with an agent's key.
func Unseal(file []byte, key age.Identity) (Secret, error) {
	r, err := age.Decrypt(bytes.NewReader(file), key)
	if err != nil {
		return Secret{}, message.Wrap(err, "secrets.sealed")
	}
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes))
	if err != nil {
		return Secret{}, message.Wrap(err, "secrets.sealed")
	}
	return Parse(text)
}

// Parse reads the file of a secret that is revealed.
func Parse(text []byte) (s Secret, err error) {
	if err = json.Unmarshal(text, &s); err == nil && len(s.Key) != Size {
		err = message.Errorf("draw.no-secret", message.Quoted("day", s.Day), message.Int("bytes", len(s.Key)))
	}
	return s, err
}
