package identity

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/edge/api/linefile"
	"lanewarden/edge/evidence/sqlog"
)

// Files are the PEM files of a certificate and its key. A key for which there is no certificate yet waits in a file of
// its own beside the key's: so whatever is interrupted, there is a pair that works, and a request can be repeated with
// the key of before.
type Files struct{ Cert, Key string }

// nextSuffix is of the file of the key that waits.
const nextSuffix = ".new"

// Rights of the files.
const (
	certMode fs.FileMode = 0o644
	keyMode  fs.FileMode = 0o600
)

func (f Files) next() string { return f.Key + nextSuffix }

// Load reads the pair. Where the certificate was replaced and the key not yet, it takes the key that waits.
func (f Files) Load() (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		if pair, nextErr := tls.LoadX509KeyPair(f.Cert, f.next()); nextErr == nil {
			return pair, nil
		}
	}
	return pair, err
}

// NextKey returns the key for the next certificate: the one that waits, or a new one, which is on the disk when NextKey
// returns.
func (f Files) NextKey() (*ecdsa.PrivateKey, error) {
	if err := f.settle(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(f.next())
	if err == nil {
		if key := parseKey(text); key != nil {
			return key, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	if text, err = KeyPEM(key); err != nil {
		return nil, err
	}
	return key, linefile.Replace(f.next(), text, keyMode)
}

// parseKey returns a key as NextKey writes it, nil for anything else.
func parseKey(text []byte) *ecdsa.PrivateKey {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil
	}
	return key
}

// settle ends a replacement that was interrupted between its two files.
func (f Files) settle() error {
	if _, err := tls.LoadX509KeyPair(f.Cert, f.Key); err == nil {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(f.Cert, f.next()); err != nil {
		return nil
	}
	return f.takeKey()
}

// Replace puts a certificate of the key that waits in the place of the one before, with its key.
func (f Files) Replace(cert []byte) error {
	if err := linefile.Replace(f.Cert, cert, certMode); err != nil {
		return err
	}
	return f.takeKey()
}

// takeKey gives the key that waits its place.
func (f Files) takeKey() error {
	if err := os.Rename(f.next(), f.Key); err != nil {
		return err
	}
	return sqlog.SyncDir(filepath.Dir(f.Key))
}
