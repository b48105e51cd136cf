package draw

import (
	"context"
	"time"

	"lanewarden/drivers/observation"
)

// KeptFor is how long what is presented again keeps its draw.
const KeptFor = 4 * time.Hour

// mostKept bounds both maps of a Keeper, some 600 kB at most: the largest crossing has 7,000 trucks a day over all its
// lanes. When it is reached the oldest goes first.
const mostKept = 4096

// Keeper draws, and keeps draws. Not for concurrent use.
type Keeper struct {
	secrets   *Secrets
	drawn     kept[[32]byte] // by what was drawn for
	presented kept[string]   // by presentation
}

// entry is the draw of a set, or of a presentation with what it had when it was asked for last.
type entry struct {
	Draw
	asked        [32]byte
	presentation string // for which it was drawn
}

// NewKeeper returns a Keeper without draws. After a restart, Remember those that the journal has.
func NewKeeper(s *Secrets) *Keeper {
	return &Keeper{secrets: s, drawn: newKept[[32]byte](), presented: newKept[string]()}
}

// Draw returns the draw of a presentation. It is the one that the same set had within the last 4 h; else the one that
// the presentation had already, before something was added to it; else a new one. The secret's hash is durable in the
// journal when Draw returns. With an error nothing was drawn.
func (k *Keeper) Draw(ctx context.Context, presentation string, identity [32]byte, now time.Time) (Draw, error) {
	own, has := k.presented.get(presentation)
	if has && own.asked == identity {
		return own.Draw, nil
	}
	same, drawn := k.drawn.get(identity)
	switch {
	case drawn && !now.Before(same.Drawn) && now.Sub(same.Drawn) < KeptFor:
		own = same
		own.Kept = own.Kept || same.presentation != presentation
	case !has:
		var err error
		if own.Draw, err = k.draw(ctx, identity, now); err != nil {
			return None(), err
		}
		own.presentation = presentation
	}
	k.note(presentation, identity, own)
	return own.Draw, nil
}

// draw makes a new draw.
func (k *Keeper) draw(ctx context.Context, identity [32]byte, now time.Time) (Draw, error) {
	secret, err := k.secrets.For(ctx, now)
	if err != nil {
		return Draw{}, err
	}
	at := now.UTC().Truncate(time.Second)
	return Draw{Identity: identity, Drawn: at, Value: Value(secret.Key, identity, at), Secret: secret.Name()}, nil
}

// note keeps a draw for a presentation and for what it was asked for.
func (k *Keeper) note(presentation string, identity [32]byte, e entry) {
	e.asked = identity
	k.presented.put(presentation, e)
	if _, there := k.drawn.get(identity); there {
		k.drawn.drop(identity)
	}
	e.Kept = false // of another presentation it is known by its name
	k.drawn.put(identity, e)
}

// Remember keeps a draw that the journal has, in the order of its rows.
func (k *Keeper) Remember(presentation string, d Draw) {
	if d.IsNone() {
		return
	}
	e := entry{Draw: d, presentation: presentation}
	if before, there := k.drawn.get(d.Identity); there && before.Drawn.Equal(d.Drawn) {
		e.presentation = before.presentation
	}
	k.note(presentation, d.Identity, e)
}

// FromRow returns the draw of a decision's row; None for a row without one.
func FromRow(r *observation.RandomDraw) Draw {
	if r == nil || len(r.Identity) != 32 {
		return None()
	}
	return Draw{Identity: [32]byte(r.Identity), Drawn: time.Unix(r.DrawnS, 0).UTC(), Value: r.Value, Secret: r.Secret,
		Kept: r.Kept}
}

// kept is a map of the last mostKept entries.
type kept[K comparable] struct {
	entries map[K]entry
	order   []K // oldest first
}

func newKept[K comparable]() kept[K] { return kept[K]{entries: map[K]entry{}} }

func (k *kept[K]) get(key K) (entry, bool) {
	e, found := k.entries[key]
	return e, found
}

func (k *kept[K]) put(key K, e entry) {
	if _, there := k.entries[key]; !there {
		k.order = append(k.order, key)
	}
	k.entries[key] = e
	for len(k.entries) > mostKept {
		delete(k.entries, k.order[0])
		k.order = k.order[1:]
	}
}

// drop removes an entry, so that putting it again makes it the newest.
func (k *kept[K]) drop(key K) {
	delete(k.entries, key)
	for i, o := range k.order {
		if o == key {
			k.order = append(k.order[:i], k.order[i+1:]...)
			return
		}
	}
}
