package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"

	"lanewarden/drivers/message"
)

// renewalContext begins what is signed, so that no other signature of the key can be taken for one of a renewal.
const renewalContext = "lanewarden renewal 1\n"

// RequestSum is the SHA-256 of a request, by which an answer names it.
func RequestSum(request []byte) []byte {
	sum := sha256.Sum256(request)
	return sum[:]
}

func renewalDigest(request []byte) []byte {
	return RequestSum(append([]byte(renewalContext), request...))
}

// SignRenewal signs a request for the next certificate with the key of the present one.
func SignRenewal(present crypto.PrivateKey, request []byte) ([]byte, error) {
	key, ok := present.(crypto.Signer)
	if !ok {
		return nil, message.Errorf("enrol.key-kind")
	}
	if _, ok := key.Public().(*ecdsa.PublicKey); !ok {
		return nil, message.Errorf("enrol.key-kind")
	}
	return key.Sign(rand.Reader, renewalDigest(request), crypto.SHA256)
}

// VerifyRenewal reports whether a request is signed with the key of a certificate.
func VerifyRenewal(present *x509.Certificate, request, signature []byte) bool {
	key, ok := present.PublicKey.(*ecdsa.PublicKey)
	return ok && ecdsa.VerifyASN1(key, renewalDigest(request), signature)
}
