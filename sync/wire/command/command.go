// Package command signs and opens the orders that the centre gives to one agent. docs/orders.md tells the rules.
package command

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// The kinds of orders.
const (
	Pull        = "pull"        // send an artifact before others
	Test        = "test"        // start a guided test
	Maintenance = "maintenance" // a device is worked on until a time
	Block       = "block"       // hold a vehicle
	Release     = "release"     // let a vehicle go
	Bundle      = "bundle"      // switch to a configuration
	Reboot      = "reboot"      // end a device's connection and begin it anew
	Case        = "case"        // what was said in a case at the centre
)

// Kinds lists the kinds.
func Kinds() []string {
	return []string{Pull, Test, Maintenance, Block, Release, Bundle, Reboot, Case}
}

// Dangerous reports whether an order of a kind must name the run of the agent that it is for: what it does would be
// wrong in another one, or when it comes late.
func Dangerous(kind string) bool {
	return slices.Contains([]string{Block, Release, Bundle, Reboot}, kind)
}

// Longest is how long an order may be good for.
const Longest = 30 * 24 * time.Hour

// context is what an order is signed with, so that the signature is one of an order and of nothing else.
const context = "lanewarden order 1\n"

// Sign signs an order with the key of a name.
func Sign(o *wire.Order, name string, key ed25519.PrivateKey) (*wire.Command, error) {
	text, err := proto.Marshal(o)
	if err != nil {
		return nil, err
	}
	return &wire.Command{Order: text, Signature: ed25519.Sign(key, append([]byte(context), text...)), Key: name}, nil
}

// ID returns the name of an order: the SHA-256 of what was signed.
func ID(c *wire.Command) []byte {
	sum := sha256.Sum256(c.Order)
	return sum[:]
}

// Commander may give orders.
type Commander struct {
	Name     string    `json:"name"`
	Key      []byte    `json:"key"`       // Ed25519, base64
	Kinds    []string  `json:"kinds"`     // that they may give
	NotAfter time.Time `json:"not_after"` // until then
}

// Commanders are those who may give orders, as the target commanders.json has them.
type Commanders []Commander

// maxCommanders bounds the list.
const maxCommanders = 1000

// Parse reads commanders.json: {"commanders": [...]}. Unknown fields, unknown kinds and keys that are none are errors.
func Parse(text []byte) (Commanders, error) {
	var file struct {
		Commanders Commanders `json:"commanders"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, message.Wrap(err, "order.commanders")
	}
	seen := map[string]bool{}
	for _, c := range file.Commanders {
		unknown := slices.ContainsFunc(c.Kinds, func(k string) bool { return !slices.Contains(Kinds(), k) })
		if c.Name == "" || len(c.Name) > 64 || len(c.Key) != ed25519.PublicKeySize || seen[c.Name] || unknown {
			return nil, message.Wrap(message.Errorf("order.unknown-key", message.Quoted("key", c.Name)), "order.commanders")
		}
		seen[c.Name] = true
	}
	if len(seen) > maxCommanders {
		return nil, message.Wrap(message.Errorf("order.unknown-key", message.Quoted("key", "")), "order.commanders")
	}
	return file.Commanders, nil
}

// May reports whether orders of a kind that somebody signs with a key are taken at a time.
func (all Commanders) May(name string, key ed25519.PublicKey, kind string, now time.Time) bool {
	return slices.ContainsFunc(all, func(c Commander) bool {
		return c.Name == name && bytes.Equal(c.Key, key) && slices.Contains(c.Kinds, kind) && !now.After(c.NotAfter)
	})
}

// To is the agent that looks at an order.
type To struct {
	Site, Agent string
	Journal     []byte
	Run         uint64 // Hello.instance
	Now         time.Time
	Last        uint64 // highest sequence accepted of this journal
}

// Open returns an order that is signed, for this agent, in time and newer than those accepted. The order is returned
// with an error, too, where its signature is good.
func (all Commanders) Open(c *wire.Command, to To) (*wire.Order, error) {
	i := slices.IndexFunc(all, func(one Commander) bool { return one.Name == c.Key })
	if i < 0 || to.Now.After(all[i].NotAfter) {
		return nil, message.Errorf("order.unknown-key", message.Quoted("key", c.Key[:min(len(c.Key), 64)]))
	}
	by, o := all[i], &wire.Order{}
	if !ed25519.Verify(by.Key, append([]byte(context), c.Order...), c.Signature) || proto.Unmarshal(c.Order, o) != nil {
		return nil, message.Errorf("order.altered")
	}
	issued, until := time.Unix(0, o.IssuedNs), time.Unix(0, o.NotAfterNs)
	switch {
	case o.Site != to.Site || o.Agent != to.Agent:
		return o, message.Errorf("order.other-agent", message.Quoted("agent", o.Site+"/"+o.Agent))
	case !bytes.Equal(o.Journal, to.Journal):
		return o, message.Errorf("order.other-journal")
	case !slices.Contains(by.Kinds, o.Kind):
		return o, message.Errorf("order.not-allowed", message.String("key", by.Name), message.Quoted("kind", o.Kind))
	case to.Now.After(until):
		return o, message.Errorf("order.expired", message.Time("until", until))
	case until.Sub(issued) > Longest:
		return o, message.Errorf("order.long", message.Duration("most", Longest))
	case issued.Sub(to.Now) > early:
		return o, message.Errorf("order.early", message.Time("issued", issued))
	case Dangerous(o.Kind) && o.Run != to.Run:
		return o, message.Errorf("order.other-run")
	case o.Kind != Case && o.Sequence <= to.Last: // a row of the centre counts once by its own name, in any order
		return o, message.Errorf("order.behind", message.Int("sequence", o.Sequence), message.Int("last", to.Last))
	}
	return o, nil
}

// early is how far the centre's clock may be ahead of the lane's.
const early = 5 * time.Minute
