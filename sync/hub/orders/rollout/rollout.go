// Package rollout hands bundles of configuration out to a few lanes first, and to more while these say that they work.
// What lanes say of bundles goes in; which lane may have which bundle comes out. docs/bundles.md tells the rules.
package rollout

import (
	"bytes"
	"crypto/sha256"
	"path"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/wire/layout"
)

// The states of a rollout.
const (
	Running = "running"
	Done    = "done"    // every lane of the site may have it
	Stopped = "stopped" // no further lane gets it; those that have it keep it
)

// Rollout is a bundle on its way to the lanes of a site.
type Rollout struct {
	Bundle  string    `json:"bundle"` // NAME-VERSION
	Site    string    `json:"site"`
	Percent []int     `json:"percent"` // of the site's lanes, stage by stage
	Soak    string    `json:"soak"`    // how long all lanes of a stage must have worked before the next: a Go duration
	Stage   int       `json:"stage"`   // index of Percent
	State   string    `json:"state" enum:"running,done,stopped"`
	Begun   time.Time `json:"begun"`
	Why     string    `json:"why,omitempty"` // why it was stopped, English
	// Message is Why in all languages.
	Message message.Text `json:"message,omitzero"`
	// Turn are the agents whose turn has come, in the order of their hashes.
	Turn []string `json:"turn"`
	// Without are those of them that somebody has said not to wait for.
	Without []string `json:"without,omitempty"`
}

// Agent is what an agent said last of its configuration.
type Agent struct {
	InForce string `json:"in_force"` // path of the bundle; empty for its own lane file
	SHA256  string `json:"sha256,omitempty"`
	Bundle  string `json:"bundle"` // path of the bundle that the last step was about
	Step    string `json:"step" enum:"staged,refused,switched,healthy,reverted"`
	Why     string `json:"why,omitempty"` // English
	// Text is Why in all languages.
	Text  message.Text `json:"text,omitzero"`
	Heard time.Time    `json:"heard"` // when the hub had the step
}

// concerns reports whether a path is that of the rollout's bundle.
func (r *Rollout) concerns(target string) bool {
	b, ok := layout.ParseBundle(target)
	return ok && b.Site == r.Site && b.Name == r.Bundle
}

// order sorts agents by a hash of them and the bundle: who comes first is different for each bundle, and the same however
// often it is asked.
func (r *Rollout) order(agents []string) []string {
	key := func(agent string) []byte {
		sum := sha256.Sum256([]byte(r.Site + "/" + r.Bundle + "\n" + agent))
		return sum[:]
	}
	sorted := slices.Clone(agents)
	slices.SortFunc(sorted, func(a, b string) int { return bytes.Compare(key(a), key(b)) })
	return sorted
}

const wholePercent = 100

// failures are the steps that stop a rollout, with what is said of them.
var failures = map[string]string{"refused": "bundle.step-refused", "reverted": "bundle.step-reverted"}

// step looks at what agents have said, and returns whether it changed the rollout: it is stopped when a lane refused the
// bundle or went back, and goes on when all whose turn it is have worked for the soak time. fleet are the site's agents,
// and said what each said last.
func (r *Rollout) step(now time.Time, fleet []string, said map[string]Agent) (changed bool) {
	if r.State != Running {
		return false
	}
	for _, name := range fleet {
		a := said[r.Site+"/"+name]
		if code := failures[a.Step]; code != "" && r.concerns(a.Bundle) && !a.Heard.Before(r.Begun) {
			r.stop(message.New("bundle.stopped", message.String("agent", name), message.Nested("step", message.New(code))))
			return true
		}
	}
	if len(r.Turn) > 0 && r.soaked(now, said) {
		changed = true
		if r.Stage+1 == len(r.Percent) {
			r.State = Done
			return true
		}
		r.Stage++
	}
	return r.extend(fleet) || changed
}

// extend gives their turn to the first of the fleet, as many as the stage has percent; one at least.
func (r *Rollout) extend(fleet []string) (changed bool) {
	n := (len(fleet)*r.Percent[r.Stage] + wholePercent - 1) / wholePercent
	for _, name := range r.order(fleet)[:min(n, len(fleet))] {
		if !slices.Contains(r.Turn, name) {
			r.Turn, changed = append(r.Turn, name), true
		}
	}
	return changed
}

// soaked reports whether all whose turn it is, and who are waited for, have said for long enough that the bundle works.
func (r *Rollout) soaked(now time.Time, said map[string]Agent) bool {
	soak, err := time.ParseDuration(r.Soak)
	return err == nil && !slices.ContainsFunc(r.Turn, func(name string) bool {
		a := said[r.Site+"/"+name]
		if slices.Contains(r.Without, name) {
			return false
		}
		return !r.concerns(a.Bundle) || a.Step != "healthy" || a.Heard.Before(r.Begun) || now.Sub(a.Heard) < soak
	})
}

func (r *Rollout) stop(why message.Message) {
	r.State, r.Why, r.Message = Stopped, why.English(), why.Text()
}

// gives reports whether an agent may have the bundle.
func (r *Rollout) gives(agent string) bool {
	return r.State == Done || r.State == Running && slices.Contains(r.Turn, agent)
}

// Allows reports whether a file of the repository may be handed to an agent: all but bundles, and of these the ones whose
// turn it is for the agent.
func (b Book) Allows(name, site, agent string) bool {
	target, ok := strings.CutPrefix(name, layout.TargetsDir+"/")
	if !ok || !strings.HasPrefix(target, layout.BundlesPrefix) {
		return true
	}
	_, last, _ := strings.Cut(path.Base(target), ".") // SHA256.NAME-VERSION
	one, ok := layout.ParseBundle(path.Dir(target) + "/" + last)
	return ok && one.For(site, agent) && slices.ContainsFunc(b.Rollouts, func(r *Rollout) bool {
		return r.Site == site && r.Bundle == one.Name && r.gives(agent)
	})
}

// Of returns what the book has of sites that somebody sees.
func (b Book) Of(sees func(site string) bool) Book {
	out := Book{Cursor: b.Cursor, Rollouts: []*Rollout{}, Agents: map[string]Agent{}}
	for _, r := range b.Rollouts {
		if sees(r.Site) {
			out.Rollouts = append(out.Rollouts, r)
		}
	}
	for name, a := range b.Agents {
		if site, _, _ := strings.Cut(name, "/"); sees(site) {
			out.Agents[name] = a
		}
	}
	return out
}

// said takes what an agent said of a bundle.
func said(b *observation.BundleState, heard time.Time) Agent {
	a := Agent{
		InForce: b.InForce, Bundle: b.Bundle, Why: b.Text, Heard: heard.UTC(),
		Step: strings.ToLower(strings.TrimPrefix(b.Step.String(), "STEP_")),
	}
	if b.Text != "" {
		a.Text = api.Said(b.Message, b.Text)
	}
	if b.InForce != "" {
		a.SHA256 = hexOf(b.InForceSha256)
	}
	return a
}
