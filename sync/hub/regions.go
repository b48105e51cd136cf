package hub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/xray/picture"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Bounds of the regions of images that people look at while these are still at their lane. Each has at most
// wire.MaxRegion bytes in memory.
const (
	maxRegionsOpen    = 16 // at once
	maxRegionsOfUser  = 3
	maxRegionsOfAgent = 3
	regionSilence     = 12 * time.Second // without anything of the answer
	regionWatch       = 500 * time.Millisecond
)

// regions asks agents for regions of images, and collects the answers. It may be used from several goroutines.
type regions struct {
	codec  *wire.Codec
	source source
	states *states
	acks   *acks
	log    *slog.Logger

	mu   sync.Mutex
	open map[uint64]*regionAsked
}

// regionAsked is a region that somebody waits for.
type regionAsked struct {
	from ledger.Sender
	user string
	data []byte           // as far as it has come without holes
	came chan *wire.Chunk // has room for one: the newest
}

func newRegions(codec *wire.Codec, s source, st *states, a *acks, log *slog.Logger) *regions {
	return &regions{codec: codec, source: s, states: st, acks: a, log: log, open: map[uint64]*regionAsked{}}
}

// tapper is a source that passes what an agent says to the hub that serves the agent alone; tap passes what it says on a
// topic on to this hub, too, until stop is called.
type tapper interface {
	tap(topic string, receive func(payload []byte)) (stop func(), err error)
}

// fetch asks an agent that has an image, by the rows that name it, for a region of it, and returns the answer as
// picture.WriteValues wrote it. Errors are problems, and ctx's.
func (r *regions) fetch(ctx context.Context, user string, rows []ledger.NamedBy, want *wire.Region) ([]byte, error) {
	at := rows[0]
	for _, n := range rows {
		if r.online(ledger.Sender{Site: n.Site, Agent: n.Agent}) {
			at = n
			break
		}
	}
	from := ledger.Sender{Site: at.Site, Agent: at.Agent}
	if !r.online(from) {
		return nil, regionAway(from)
	}
	asked, err := r.begin(from, user, want)
	if err != nil {
		return nil, err
	}
	defer r.end(want.Tag)
	if t, ok := r.source.(tapper); ok {
		topic := wire.Topic(at.Site, at.Agent, wire.LeafChunk)
		var listening valve
		stop, err := t.tap(topic, func(payload []byte) { listening.pass(func() { r.tapped(from, payload) }) })
		if err != nil {
			return nil, err
		}
		defer listening.shut() // the codec is closed some time after us
		defer stop()
	}
	journal, err := hex.DecodeString(at.Journal)
	if err == nil {
		err = r.ask(from, journal, want)
	}
	if err != nil {
		return nil, err
	}
	data, err := r.await(ctx, asked)
	if err != nil {
		_ = r.ask(from, journal, &wire.Region{Tag: want.Tag, Cancel: true}) // lost: the agent sends it in vain
	}
	return data, err
}

// valve lets calls through until it is shut.
type valve struct {
	mu   sync.Mutex
	done bool
}

// pass calls f unless the valve is shut.
func (v *valve) pass(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.done {
		f()
	}
}

// shut waits for a call that is under way, and lets no more through.
func (v *valve) shut() {
	v.mu.Lock()
	v.done = true
	v.mu.Unlock()
}

// online reports whether an agent is connected, as far as is known.
func (r *regions) online(a ledger.Sender) bool {
	state, ok := r.states.latest(a.Site, a.Agent)
	return ok && state.Online
}

func regionAway(from ledger.Sender) error {
	return api.NewProblem(api.NotHereYet, message.New("region.away",
		message.String("site", from.Site), message.String("agent", from.Agent)))
}

// begin gives a region its tag. One too many is a problem.
func (r *regions) begin(from ledger.Sender, user string, want *wire.Region) (*regionAsked, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ofUser, ofAgent := 0, 0
	for _, a := range r.open {
		if a.user == user {
			ofUser++
		}
		if a.from == from {
			ofAgent++
		}
	}
	if len(r.open) >= maxRegionsOpen || ofUser >= maxRegionsOfUser || ofAgent >= maxRegionsOfAgent {
		return nil, regionBusy()
	}
	for want.Tag == 0 || r.open[want.Tag] != nil {
		want.Tag = rand.Uint64()
	}
	a := &regionAsked{from: from, user: user, came: make(chan *wire.Chunk, 1)}
	r.open[want.Tag] = a
	return a, nil
}

func regionBusy() error {
	return api.NewProblem(api.TooMany, message.New("region.busy")).After(regionRetryAfter)
}

// regionRetryAfter is the Retry-After of what is asked for beyond the bounds.
const regionRetryAfter = 2 * time.Second

func (r *regions) end(tag uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, tag)
}

// ask sends a region to its agent.
func (r *regions) ask(to ledger.Sender, journal []byte, want *wire.Region) error {
	payload, err := r.codec.Encode(&wire.Ack{Journal: journal, Regions: []*wire.Region{want}})
	if err != nil {
		return err
	}
	return r.source.publish(wire.Topic(to.Site, to.Agent, wire.LeafAck), payload)
}

// await returns an answer once it is whole. It does not wait for an agent that goes away meanwhile.
func (r *regions) await(ctx context.Context, a *regionAsked) ([]byte, error) {
	watch := time.NewTicker(regionWatch)
	defer watch.Stop()
	for silent := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-watch.C:
			if !r.online(a.from) {
				return nil, regionAway(a.from)
			}
			if time.Since(silent) > regionSilence {
				said := message.New("region.silent", message.Duration("for", regionSilence))
				return nil, api.NewProblem(api.NotHereYet, said)
			}
		case last := <-a.came:
			silent = time.Now()
			r.mu.Lock()
			data := a.data
			r.mu.Unlock()
			switch {
			case last.Region.Refused != wire.RegionRefusal_REGION_SENT:
				return nil, regionProblem(last.Region)
			case int64(len(data)) == last.Total:
				return data, nil
			}
		}
	}
}

// regionProblem says why an agent does not answer.
func regionProblem(p *wire.RegionPart) error {
	switch p.Refused {
	case wire.RegionRefusal_REGION_GONE:
		return api.NewProblem(api.NotFound, message.New("region.gone"))
	case wire.RegionRefusal_REGION_OUTSIDE:
		return api.NewProblem(api.BadRequest, message.New("region.outside"))
	case wire.RegionRefusal_REGION_TOO_LARGE:
		return api.NewProblem(api.TooLarge, message.New("region.too-large",
			message.Duration("takes", time.Duration(p.TakesMs)*time.Millisecond)))
	case wire.RegionRefusal_REGION_BUSY:
		return regionBusy()
	case wire.RegionRefusal_REGION_HELD:
		return api.NewProblem(api.Unavailable, message.New("region.held"))
	}
	return api.NewProblem(api.NotDrawable, message.New("region.unreadable"))
}

// tapped takes what an agent says that another hub of the cluster serves: that one acknowledges it.
func (r *regions) tapped(from ledger.Sender, payload []byte) {
	chunk := &wire.Chunk{}
	if err := r.codec.Decode(payload, chunk); err == nil && chunk.Region != nil && chunk.Validate() == nil {
		r.keep(from, chunk)
	}
}

// receive takes a part of an answer, and acknowledges it, whoever waits for it: the agent measures the link by that.
func (r *regions) receive(from ledger.Sender, chunk *wire.Chunk) error {
	r.keep(from, chunk)
	held := &wire.Held{Region: chunk.Region.Tag, Bytes: chunk.Offset + int64(len(chunk.Data))}
	ack := &wire.Ack{Journal: chunk.Journal, Artifacts: []*wire.Held{held}}
	return r.acks.publish(ledger.Answer{Sender: from, Ack: ack}, 0)
}

// keep adds a part to what has come of its answer. One that leaves a hole is passed over: whoever waits gives up in
// time.
func (r *regions) keep(from ledger.Sender, chunk *wire.Chunk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.open[chunk.Region.Tag]
	if a == nil || a.from != from || chunk.Offset != int64(len(a.data)) {
		return
	}
	a.data = append(a.data, chunk.Data...)
	select {
	case <-a.came:
	default:
	}
	a.came <- chunk // has room, as nobody else adds to it
}

// regionValues is the most values of an answer. What an agent sends beyond is no answer.
const regionValues = 1 << 20

// region serves hubapi.GetRegion.
func (s *httpServer) region(w http.ResponseWriter, c *api.Call, in hubapi.RegionQuery) error {
	state, err := s.state(c.User, in.SHA256)
	if err != nil {
		return err
	}
	if state.Complete {
		return s.values(w, c, api.ValuesQuery{SHA256: in.SHA256, Region: in.Region, Max: cmp.Or(in.Max, maxRegionSide)})
	}
	want := &wire.Region{Sha256: in.SHA256[:], WithinMs: uint32(in.Within), Exact: in.Exact, MaxSide: uint32(in.Max)}
	if in.Region != "" {
		r, err := api.ParseRegion(in.Region)
		if err != nil {
			return err
		}
		want.X, want.Y, want.Width, want.Height = uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy())
	}
	s.access.noteLook(c, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	data, err := s.regions.fetch(c.Context(), c.User.Name, state.Rows, want)
	switch {
	case c.Context().Err() != nil:
		return nil // nobody waits any more
	case err != nil:
		return err
	}
	if err := s.reading.Do(c.Context(), func() error { return checkRegion(data) }); err != nil {
		return api.NewProblem(api.NotDrawable, message.New("api.not-drawable", message.CausedBy(err)))
	}
	w.Header().Set("Content-Type", api.ValuesMedia)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store") // how fine it is depends on the link
	_, _ = w.Write(data)                        // who went away misses nothing
	return nil
}

// maxRegionSide is the longest side of a region of an image that is here: what a page asks for of the whole, too.
const maxRegionSide = 4096

// checkRegion checks what an agent sent as values, before a page unpacks it.
func checkRegion(data []byte) error {
	scale, _, err := picture.ReadValues(bytes.NewReader(data))
	if err == nil && scale.Width*scale.Height > regionValues {
		err = fmt.Errorf("%d x %d values; an answer has at most %d", scale.Width, scale.Height, regionValues)
	}
	return err
}
