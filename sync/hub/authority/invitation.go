package authority

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/wire/identity"
)

// InvitationsFile is the name of the file of invitations in the authority's folder. It has hashes of secrets only.
const InvitationsFile = "invitations.json"

const (
	maxInvitations = 1000
	// maxWrong wrong secrets end an invitation: with 40 bits a guesser has hit it with 1 in 10^11.
	maxWrong = 10
	// MaxInvitationDays bounds how long an invitation is valid.
	MaxInvitationDays = 60
	// keepEnded is how long an invitation that is over is remembered, so that the refusal can say why.
	keepEnded = 30 * 24 * time.Hour
)

// invitation lets one agent have one certificate.
type invitation struct {
	ID    string    `json:"id"`
	Agent string    `json:"agent"` // SITE/AGENT
	Hash  string    `json:"hash"`  // argon2id of the secret
	Until time.Time `json:"until"`
	Wrong int       `json:"wrong,omitempty"` // wrong secrets that came for it

	// Key is the SHA-256, in hex, of the public key to which it was given: the same key may ask again, when the answer
	// got lost, and is given the same certificate.
	Key         string `json:"key,omitempty"`
	Certificate []byte `json:"certificate,omitempty"` // DER
	Entered     bool   `json:"entered,omitempty"`     // the agent was let into the agents file
}

// secretCost is what it costs to try a secret: argon2id with 19 MiB and 2 passes (OWASP).
var secretCost = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobodys is the hash of no secret: an invitation that does not exist costs as much time as one that does.
var nobodys = sync.OnceValues(func() (string, error) { return argon2id.CreateHash("", &secretCost) })

// ErrWrongCode is the error of a code that names no invitation or has a wrong secret: it does not tell which.
var ErrWrongCode = message.Errorf("enrol.wrong-code")

// Invite makes an invitation of an agent, valid for so long, and returns its code, which is kept nowhere. It takes the
// place of an invitation of that agent that was made before.
func (a *Authority) Invite(agent string, valid time.Duration, now time.Time) (code identity.Code, err error) {
	if err := identity.CheckName(agent); err != nil {
		return code, err
	}
	if len(agent) > identity.MaxName {
		return code, message.Errorf("ca.name", message.Quoted("name", agent), message.Int("most", identity.MaxName))
	}
	code = identity.NewCode(identity.Fingerprint(a.cert))
	hash, err := argon2id.CreateHash(code.Secret, &secretCost)
	if err != nil {
		return code, err
	}
	err = a.change(func(all []invitation) ([]invitation, error) {
		all = slices.DeleteFunc(all, func(i invitation) bool {
			return i.Agent == agent && i.Key == "" || now.After(i.Until.Add(keepEnded))
		})
		if len(all) >= maxInvitations {
			return nil, message.Errorf("enrol.many-invitations", message.Int("most", maxInvitations))
		}
		for slices.ContainsFunc(all, func(i invitation) bool { return i.ID == code.ID }) {
			code.ID = identity.NewCode("").ID
		}
		return append(all, invitation{ID: code.ID, Agent: agent, Hash: hash, Until: now.Add(valid).UTC()}), nil
	})
	return code, err
}

// Redemption is what a box shows to get its certificate.
type Redemption struct {
	ID, Secret string
	Request    *x509.CertificateRequest // checked by identity.ParseRequest
	Life       time.Duration            // of the certificate
}

// Redeem gives a certificate to whoever shows the code of an invitation, once. In this order, each step durable before
// the next: the invitation is bound to the request's key and holds the certificate; enter lets the agent in; the
// invitation notes that. Whatever is interrupted, the same key may ask again and gets the same certificate; after the
// last step it is not let in again, so that it cannot undo that somebody took the agent out. agent is "" when the
// secret is wrong.
func (a *Authority) Redeem(r Redemption, now time.Time, enter func(agent string) error) (agent string, der []byte, err error) {
	agent, err = a.checkSecret(r)
	if err != nil {
		return "", nil, err
	}
	err = a.change(func(all []invitation) ([]invitation, error) {
		i := find(all, r.ID)
		if i == nil {
			return nil, ErrWrongCode
		}
		if err := a.bind(i, r, now); err != nil {
			return nil, err
		}
		der = i.Certificate
		return all, nil
	})
	if err != nil {
		return agent, nil, err
	}
	err = a.change(func(all []invitation) ([]invitation, error) {
		i := find(all, r.ID)
		if i == nil || i.Entered {
			return all, nil
		}
		i.Entered = true
		return all, enter(agent)
	})
	return agent, der, err
}

// checkSecret returns whose invitation it is, or ErrWrongCode after it counted the attempt.
func (a *Authority) checkSecret(r Redemption) (agent string, err error) {
	all, err := a.invitations()
	if err != nil {
		return "", err
	}
	hash, err := nobodys()
	i := find(all, r.ID)
	if i != nil {
		agent, hash = i.Agent, i.Hash
	}
	if err != nil {
		return "", err
	}
	right, err := argon2id.ComparePasswordAndHash(r.Secret, hash)
	if err != nil {
		return "", err
	}
	if right && i != nil {
		return agent, nil
	}
	if i == nil {
		return "", ErrWrongCode
	}
	err = a.change(func(all []invitation) ([]invitation, error) {
		if i := find(all, r.ID); i != nil {
			i.Wrong++
		}
		return all, nil
	})
	return "", errors.Join(ErrWrongCode, err)
}

// bind gives an invitation to the key of a request with a new certificate, unless that was done before.
func (a *Authority) bind(i *invitation, r Redemption, now time.Time) error {
	sum := sha256.Sum256(r.Request.RawSubjectPublicKeyInfo)
	key := hex.EncodeToString(sum[:])
	switch name := r.Request.Subject.CommonName; {
	case i.Wrong >= maxWrong:
		return message.Errorf("enrol.guessed", message.Int("wrong", i.Wrong))
	case now.After(i.Until):
		return message.Errorf("enrol.expired", message.Time("until", i.Until))
	case name != i.Agent:
		return message.Errorf("enrol.other-name", message.String("invited", i.Agent), message.Quoted("name", name))
	case i.Key == key:
		return nil
	case i.Key != "":
		return message.Errorf("enrol.used")
	}
	der, err := a.IssueTo(r.Request.PublicKey, i.Agent, r.Life, now)
	if err != nil {
		return err
	}
	i.Key, i.Certificate = key, der
	return nil
}

func find(all []invitation, id string) *invitation {
	if at := slices.IndexFunc(all, func(i invitation) bool { return i.ID == id }); at >= 0 {
		return &all[at]
	}
	return nil
}

func (a *Authority) invitationsPath() string { return filepath.Join(a.dir, InvitationsFile) }

// invitations reads the file; one that is not there holds none.
func (a *Authority) invitations() (all []invitation, err error) {
	text, err := os.ReadFile(a.invitationsPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, message.Wrap(err, "enrol.unreadable", message.String("file", a.invitationsPath()))
	}
	return all, nil
}

// change replaces the invitations by what f makes of them; nothing changes after an error. The hub and lanehub ca
// invite take turns by a lock on the folder, which the kernel releases when a program ends.
func (a *Authority) change(f func([]invitation) ([]invitation, error)) (err error) {
	dir, err := os.Open(a.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	all, err := a.invitations()
	if err != nil {
		return err
	}
	if all, err = f(all); err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return linefile.Replace(a.invitationsPath(), append(text, '\n'), 0o600)
}
