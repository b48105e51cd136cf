package orders

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/journal/keyfile"
)

// Key signs for a role. Its file is PKCS #8 (PEM), sealed with a passphrase in the format of age, but for the keys
// that a running hub signs with.
type Key struct {
	Name    string // of its file, without the ending
	Private ed25519.PrivateKey
}

// KeyEnding is what the names of key files end in.
const KeyEnding = ".key"

// sealedBegin is how every file of age begins.
const sealedBegin = "age-encryption.org/"

// NewKey makes a key.
func NewKey(name string) (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return Key{name, private}, err
}

// Write writes the key into a folder, sealed with a passphrase; "" for not sealed. A file that is there is kept, and
// an error.
func (k Key) Write(dir, passphrase string) (file string, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if passphrase != "" {
		if text, err = keyfile.Seal(text, passphrase); err != nil {
			return "", err
		}
	}
	file = filepath.Join(dir, k.Name+KeyEnding)
	if _, err := os.Lstat(file); err == nil {
		return "", message.Errorf("orders.key-there", message.String("file", file))
	}
	return file, linefile.Replace(file, text, 0o600)
}

// ReadKey reads a key file. passphrase is asked for the passphrase of one that is sealed.
func ReadKey(file string, passphrase func() (string, error)) (Key, error) {
	k := Key{Name: strings.TrimSuffix(filepath.Base(file), KeyEnding)}
	text, err := os.ReadFile(file)
	if err != nil {
		return k, err
	}
	if bytes.HasPrefix(text, []byte(sealedBegin)) {
		word, err := passphrase()
		if err != nil {
			return k, err
		}
		if text, err = keyfile.Unseal(text, word); err != nil {
			return k, message.Wrap(err, "orders.key-sealed", message.String("file", file))
		}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return k, message.Errorf("orders.no-key", message.String("file", file))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return k, message.Errorf("orders.no-key", message.String("file", file))
	}
	k.Private = private
	return k, nil
}

// Public returns the key as metadata has it.
func (k Key) Public() (*metadata.Key, error) { return metadata.KeyFromPublicKey(k.Private.Public()) }

// ID returns the key's name in metadata.
func (k Key) ID() (string, error) {
	public, err := k.Public()
	if err != nil {
		return "", err
	}
	return public.ID()
}

func (k Key) signer() (signature.Signer, error) {
	return signature.LoadSigner(k.Private, crypto.Hash(0))
}
