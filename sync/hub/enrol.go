package hub

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/api/lockout"
	"lanewarden/sync/hub/authority"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/wire/identity"
)

// DefaultCertificateLife is how long the certificates are valid that a hub issues to agents, where its settings say
// nothing else. Agents renew them after two thirds.
const DefaultCertificateLife = 365 * 24 * time.Hour

// maxRedeeming bounds the codes that are checked at a time: each costs 19 MiB and some 20 ms.
const maxRedeeming = 4

// issuer gives certificates to agents: to new ones for the code of an invitation, and to those that have one a new one
// before it ends. It is there also where the hub has no authority, and says so then. It may be used by many goroutines.
type issuer struct {
	ca         *authority.Authority // nil: this hub issues nothing
	life       time.Duration
	agentsFile string                 // "" with a broker of others, which knows agents by its own means
	root       func() ([]byte, error) // of trust of what is published for lanes; nil bytes for none
	log        *slog.Logger

	wrong     lockout.Table[string] // by address
	redeeming chan struct{}
}

// newIssuer opens the authority's folder, if one is named. Errors are wrong settings.
func newIssuer(o *Options) (*issuer, error) {
	i := &issuer{root: orders.At(o.ordersDir()).Root, life: o.CertificateLife, agentsFile: o.AgentsFile, log: o.Log, redeeming: make(chan struct{}, maxRedeeming)}
	if i.life == 0 {
		i.life = DefaultCertificateLife
	}
	if o.CADir == "" {
		return i, nil
	}
	if o.External == nil && o.NATS == nil && o.AgentsFile == "" {
		return nil, message.Errorf("enrol.no-agents-file")
	}
	var err error
	if i.ca, err = authority.Open(o.CADir); err != nil {
		return nil, err
	}
	if o.MQTTClientCA == "" {
		o.MQTTClientCA = filepath.Join(o.CADir, authority.CertFile)
	}
	return i, nil
}

// errNoAuthority is the answer of a hub that issues nothing.
func errNoAuthority() error {
	return api.NewProblem(api.Unavailable, message.New("enrol.no-authority"))
}

// authority answers hubapi.GetAuthority. The certificate is public: the box compares it with its code.
func (i *issuer) authority(w http.ResponseWriter, _ *api.Call, _ api.None) error {
	if i.ca == nil {
		return errNoAuthority()
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(identity.CertificatePEM(i.ca.Certificate().Raw)) // who asked may be gone
	return nil
}

// enrol answers hubapi.Enrol.
func (i *issuer) enrol(c *api.Call, in hubapi.Enrolment) (api.Act[hubapi.Enrolled], error) {
	if i.ca == nil {
		return api.Act[hubapi.Enrolled]{}, errNoAuthority()
	}
	address, _, _ := net.SplitHostPort(c.RemoteAddr)
	request, err := identity.ParseRequestPEM(in.Request)
	if err != nil {
		i.refused(address, "", err)
		return api.Act[hubapi.Enrolled]{}, api.ProblemOf(api.BadRequest, err)
	}
	return api.Act[hubapi.Enrolled]{Do: func(context.Context) (hubapi.Enrolled, error) {
		return i.redeem(address, authority.Redemption{ID: in.Invitation, Secret: in.Secret, Request: request, Life: i.life})
	}}, nil
}

// redeem checks a code from an address and issues what it is for. Who guesses is locked out by the address, and ends
// the invitation.
func (i *issuer) redeem(address string, r authority.Redemption) (out hubapi.Enrolled, err error) {
	select {
	case i.redeeming <- struct{}{}:
		defer func() { <-i.redeeming }()
	default:
		return out, api.NewProblem(api.TooMany, message.New("enrol.busy")).After(time.Second)
	}
	now := time.Now()
	if left := i.wrong.Left(address, now); left > 0 {
		locked := message.New("enrol.locked", message.Duration("for", left.Round(time.Second)))
		i.refused(address, "", &message.Error{Message: locked})
		return out, api.NewProblem(api.TooMany, locked).After(left)
	}
	agent, der, err := i.ca.Redeem(r, now, func(agent string) error { return enterAgent(i.agentsFile, agent) })
	switch {
	case errors.Is(err, authority.ErrWrongCode):
		i.wrong.Wrong(address, now)
		i.refused(address, agent, err)
		return out, api.ProblemOf(api.NotDone, err)
	case err != nil:
		i.refused(address, agent, err)
		return out, api.ProblemOf(api.NotDone, err)
	}
	i.wrong.Right(address)
	i.log.Info("agent enrolled", "agent", agent, "address", address, "until", endOf(der))
	root, err := i.root()
	if err != nil { // it can be brought by hand, and the certificate is what the agent needs first
		i.log.Error("an agent is enrolled without a root of trust", "agent", agent, "err", err)
	}
	return hubapi.Enrolled{
		Agent: agent, Certificate: string(identity.CertificatePEM(der)),
		Authority: string(identity.CertificatePEM(i.ca.Certificate().Raw)), Root: string(root),
	}, nil
}

// endOf returns the end of a certificate, for the log.
func endOf(der []byte) time.Time {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return time.Time{}
	}
	return c.NotAfter
}

// refused logs who was refused a certificate and why; agent is "" where the code does not tell.
func (i *issuer) refused(address, agent string, why error) {
	i.log.Warn("enrolment refused", "address", address, "agent", agent, "why", message.Of(why).English())
}

// enterAgent has an agent let in by its certificate: its line in the agents file is added, or replaced where it came by
// a password. What else is in the file stays as it is, comments too. A file that is wrong, or that somebody saves
// meanwhile, is not touched.
func enterAgent(path, name string) error {
	if path == "" {
		return nil
	}
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	all, err := linefile.Read(path, parseAgents)
	if err != nil || all[name] == agentByCertificate {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(strings.TrimSpace(line), name+":") {
			kept.WriteString(strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	kept.WriteString(name + ":" + agentByCertificate + "\n")
	now, err := os.Stat(path)
	if err == nil && (!os.SameFile(before, now) || !now.ModTime().Equal(before.ModTime()) || now.Size() != before.Size()) {
		err = message.Errorf("enrol.agents-changed", message.String("file", path))
	}
	if err != nil {
		return err
	}
	return linefile.Write(path, []byte(kept.String()))
}
