package keyfile

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"

	"lanewarden/drivers/message"
)

// MinPassphrase is the least number of bytes of a passphrase: who has the file can try as many as they like.
const MinPassphrase = 12

// The cost of scrypt, as the binary logarithm of its N; it takes 1 KiB << logN of memory. Ours takes 64 MiB, so that a
// lane's small computer can spare it beside the agent. What the age program seals takes 256 MiB, and is opened too; a
// file that asks for more is refused.
const (
	sealLogN = 16
	openLogN = 18
)

// ErrPassphrase means that the passphrase is not the one with which the backup was made.
var ErrPassphrase = message.Errorf("backup.wrong-passphrase")

// Seal encrypts a secret in the format of age (age-encryption.org/v1), which the age program opens as well.
func Seal(secret []byte, passphrase string) ([]byte, error) {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	to.SetWorkFactor(sealLogN)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(secret)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Unseal decrypts what Seal made. It returns ErrPassphrase when the passphrase is wrong, or the part that the passphrase
// opens was altered: these two cannot be told apart. Other errors say that the bytes were altered.
func Unseal(sealed []byte, passphrase string) ([]byte, error) {
	by, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase // an empty one
	}
	by.SetMaxWorkFactor(openLogN)
	r, err := age.Decrypt(bytes.NewReader(sealed), by)
	if err != nil {
		if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
			return nil, ErrPassphrase
		}
		return nil, err
	}
	return io.ReadAll(r)
}
