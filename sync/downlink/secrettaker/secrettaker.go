// Package secrettaker takes the centre's daily secrets of random checks into a lane's store of them: before their day,
// sealed to this agent, and afterwards in the clear, so that the day can be audited by the journal alone.
package secrettaker

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"filippo.io/age"

	"lanewarden/drivers/message"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/sync/downlink"
	"lanewarden/sync/wire/drawsecret"
	"lanewarden/sync/wire/layout"
)

// ahead is for how many days the lane takes secrets: it keeps 128 in all, and a centre that publishes years ahead must not
// keep out those of next week.
const ahead = 90

// Taker is the consumer of secrets.
type Taker struct {
	site    string
	secrets *draw.Secrets
	key     func() *age.X25519Identity
	now     func() time.Time
	failed  map[string]string // SHA-256 of a file: the day on which it was refused
}

// New returns the consumer for the secrets of an agent of a site. key returns the agent's key and now the trusted time; both
// are asked when something came.
func New(site string, secrets *draw.Secrets, key func() *age.X25519Identity, now func() time.Time) *Taker {
	return &Taker{site: site, secrets: secrets, key: key, now: now, failed: map[string]string{}}
}

// Prefix implements downlink.Consumer.
func (*Taker) Prefix() string { return layout.SecretsPrefix }

// Choose implements downlink.Consumer: a secret of a day to come that is for this agent and was not taken yet, or one that
// is revealed and was used here. What was refused is tried again the next day: it may have been revealed too early.
func (t *Taker) Choose(published []downlink.Target) (downlink.Target, bool) {
	today, last := draw.Day(t.now()), draw.Day(t.now().AddDate(0, 0, ahead))
	for _, p := range published {
		day, revealed, ok := drawsecret.ParsePath(p.Path)
		if !ok || p.Site != t.site || t.failed[string(p.SHA256)] == today {
			continue
		}
		if revealed && (day >= today && day <= last || t.secrets.Awaits(day)) {
			return p, true // one that is too early is refused, which is told, and not drawn with any more
		}
		if !revealed && day >= today && day <= last && t.isFor(p) && !bytes.Equal(t.secrets.Source(day), p.SHA256) {
			return p, true
		}
	}
	return downlink.Target{}, false
}

// isFor reports whether a file is sealed to this agent, as far as the centre says to whom.
func (t *Taker) isFor(p downlink.Target) bool {
	var c drawsecret.Custom
	if json.Unmarshal(p.Custom, &c) != nil || len(c.For) == 0 {
		return true
	}
	return slices.Contains(c.For, drawsecret.ShortName(t.key().Recipient().String()))
}

// Apply implements downlink.Consumer.
func (t *Taker) Apply(ctx context.Context, target downlink.Target, file string) error {
	err := t.apply(ctx, target, file)
	if err != nil && ctx.Err() == nil {
		t.failed[string(target.SHA256)] = draw.Day(t.now())
	}
	return err
}

func (t *Taker) apply(ctx context.Context, target downlink.Target, file string) error {
	day, revealed, _ := drawsecret.ParsePath(target.Path) // it was chosen
	s, err := t.read(target, file, revealed)
	if err != nil {
		return err
	}
	if s.Site != t.site || s.Day != day {
		return message.Errorf("secrets.other", message.Quoted("site", s.Site), message.Quoted("day", s.Day))
	}
	if revealed {
		return t.secrets.Revealed(ctx, day, s.Key, t.now())
	}
	var c drawsecret.Custom
	if json.Unmarshal(target.Custom, &c) == nil && len(c.Commitment) > 0 && !bytes.Equal(c.Commitment, s.Commitment()) {
		return message.Errorf("secrets.commitment", message.String("day", day))
	}
	return t.secrets.Add(day, s.Key, target.SHA256)
}

// read reads a file, and opens one that is sealed.
func (t *Taker) read(target downlink.Target, file string, revealed bool) (s drawsecret.Secret, err error) {
	if target.Length > drawsecret.MaxBytes {
		return s, message.Errorf("orders.too-large", message.String("file", target.Path), message.Int("most", drawsecret.MaxBytes))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	if revealed {
		return drawsecret.Parse(text)
	}
	return drawsecret.Unseal(text, t.key())
}
