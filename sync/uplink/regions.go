package uplink

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"io/fs"
	"math"
	"slices"
	"time"

	"lanewarden/drivers/xray/picture"
	"lanewarden/drivers/xray/pixel"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// Bounds of the regions of images that somebody at the centre looks at.
const (
	maxRegions     = 4       // asked for and not answered: what a workstation asks for at once, for two people
	regionPixels   = 1 << 20 // of an answer, which bounds its memory to some 2 MiB
	regionPatience = 30 * time.Second
	regionSide     = 48   // values along the longest side that are always sent, however thin the link
	rateUnknown    = 8000 // bytes/s of a link that has carried nothing yet: 64 kbit/s
	bytesPerValue  = 1.55 // as picture.WriteValues packs what a cargo X-ray measures: most of the 16 bits are noise
)

// regions is the part of a session that answers with regions of images. One is cut at a time, for that takes a core;
// they are sent in the order in which they were asked for, before artifacts.
type regions struct {
	waiting []*wire.Region
	cutting *wire.Region       // nil while none is cut
	stop    context.CancelFunc // of what is cut
	cut     chan *answer
	ready   []*answer
}

// answer is the answer to a region, on its way.
type answer struct {
	tag     uint64
	refused wire.RegionRefusal
	takes   time.Duration // of a region that is too large
	data    []byte
	sent    int
	flying  []flight // last is the offset behind the chunk
}

func newRegions() regions { return regions{cut: make(chan *answer, 1)} }

// open returns how many regions are not answered yet.
func (q *regions) open() int {
	n := len(q.waiting) + len(q.ready)
	if q.cutting != nil {
		n++
	}
	return n
}

// askRegions takes what the hub asks of regions. One too many is refused at once.
func (s *session) askRegions(all []*wire.Region) {
	q := &s.regions
	for _, r := range all {
		switch {
		case r.Cancel:
			s.cancelRegion(r.Tag)
		case q.open() >= maxRegions+1: // even refusals are bounded
		case q.open() >= maxRegions:
			q.ready = append(q.ready, &answer{tag: r.Tag, refused: wire.RegionRefusal_REGION_BUSY})
		case s.held.Pulled:
			q.ready = append(q.ready, &answer{tag: r.Tag, refused: wire.RegionRefusal_REGION_HELD})
		default:
			q.waiting = append(q.waiting, r)
		}
	}
}

// cancelRegion gives up a region for which nobody waits any more.
func (s *session) cancelRegion(tag uint64) {
	q := &s.regions
	q.waiting = slices.DeleteFunc(q.waiting, func(r *wire.Region) bool { return r.Tag == tag })
	if q.cutting != nil && q.cutting.Tag == tag {
		q.giveUpCutting()
	}
	q.ready = slices.DeleteFunc(q.ready, func(a *answer) bool {
		if a.tag == tag {
			s.dropFlights(a.flying)
		}
		return a.tag == tag
	})
}

// giveUpCutting has what is being cut thrown away.
func (q *regions) giveUpCutting() {
	if q.cutting != nil {
		q.cutting.Cancel = true
		q.stop()
	}
}

// dropRegions gives up all regions: whoever asked for them does so again when the link is back.
func (s *session) dropRegions() {
	q := &s.regions
	q.waiting = nil
	q.giveUpCutting()
	for _, a := range q.ready {
		s.dropFlights(a.flying)
	}
	q.ready = nil
}

func (s *session) dropFlights(flying []flight) {
	for _, f := range flying {
		s.window.drop(f)
	}
}

// cutNext begins to cut the region that has waited longest, unless one is being cut. onRegionCut takes what comes of it.
func (s *session) cutNext(ctx context.Context) {
	q := &s.regions
	if q.cutting != nil || len(q.waiting) == 0 {
		return
	}
	r := q.waiting[0]
	q.waiting, q.cutting = q.waiting[1:], r
	ctx, q.stop = context.WithCancel(ctx)
	rate := s.window.rate
	if rate == 0 {
		rate = rateUnknown
	}
	go func() {
		q.cut <- s.answerRegion(ctx, r, rate) // has room for the only one
	}()
}

// onRegionCut takes a region that was cut, unless nobody waits for it any more.
func (s *session) onRegionCut(a *answer) {
	q := &s.regions
	q.stop()
	if !q.cutting.Cancel && a != nil {
		q.ready = append(q.ready, a)
	}
	q.cutting = nil
}

// endRegions waits until nothing is cut any more. Nothing is sent afterwards.
func (s *session) endRegions() {
	s.dropRegions()
	if s.regions.cutting != nil {
		<-s.regions.cut
	}
}

// answerRegion reads a region from its artifact; nil when ctx ends.
func (s *session) answerRegion(ctx context.Context, r *wire.Region, rate float64) *answer {
	reader, size, err := s.journal.OpenArtifact(r.Sha256)
	if errors.Is(err, journal.ErrNoArtifact) || errors.Is(err, fs.ErrNotExist) {
		return &answer{tag: r.Tag, refused: wire.RegionRefusal_REGION_GONE}
	}
	if err == nil {
		defer reader.Close()
		a := &answer{tag: r.Tag}
		if a.data, a.refused, a.takes, err = cutRegion(readsUntil{ctx, reader}, size, r, rate); err == nil {
			return a
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	s.opts.Log.Info("a region of an image cannot be cut", "err", err)
	return &answer{tag: r.Tag, refused: wire.RegionRefusal_REGION_UNREADABLE}
}

// readsUntil reads until ctx ends.
type readsUntil struct {
	ctx context.Context
	io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (r readsUntil) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.ReaderAt.ReadAt(p, off)
}

// cutRegion returns a region of an image as picture.WriteValues writes it, on a link of rate bytes/s. What is to be each
// pixel is refused when it would take longer than regionPatience; else values are means of squares of as many pixels as
// make it pass in time. Errors are those of pixel.
func cutRegion(src io.ReaderAt, size int64, want *wire.Region, rate float64) (
	data []byte, refused wire.RegionRefusal, takes time.Duration, err error,
) {
	i, err := pixel.Open(src, size)
	if err != nil {
		return nil, 0, 0, err
	}
	all := image.Rect(0, 0, i.Columns, i.Rows)
	r := image.Rect(int(want.X), int(want.Y), int(want.X)+int(want.Width), int(want.Y)+int(want.Height))
	if want.Width == 0 {
		r = all
	}
	if r.Empty() || !r.In(all) {
		return nil, wire.RegionRefusal_REGION_OUTSIDE, 0, nil
	}
	c := cutter{i, r, rate, max(r.Dx(), r.Dy())}
	if want.MaxSide > 0 {
		c.most = min(c.most, int(want.MaxSide))
	}
	if want.Exact {
		return c.exact()
	}
	data, err = c.within(rate * float64(want.WithinMs) / 1000)
	return data, 0, 0, err
}

// cutter cuts a region of an image, with the most values along its longest side, for a link of rate bytes/s.
type cutter struct {
	image  *pixel.Image
	region image.Rectangle
	rate   float64
	most   int
}

// exact cuts with most values along the longest side, or refuses and says how long that would take.
func (c *cutter) exact() ([]byte, wire.RegionRefusal, time.Duration, error) {
	takes := func(bytes float64) time.Duration { return time.Duration(bytes / c.rate * float64(time.Second)) }
	shrink := float64(c.most) / float64(max(c.region.Dx(), c.region.Dy()))
	count := float64(c.region.Dx()) * float64(c.region.Dy()) * shrink * shrink
	t := takes(count * bytesPerValue)
	if count > regionPixels || t > 2*regionPatience { // it would not be less
		return nil, wire.RegionRefusal_REGION_TOO_LARGE, t, nil
	}
	data, err := c.pack(c.most)
	if t = takes(float64(len(data))); err == nil && t > regionPatience {
		return nil, wire.RegionRefusal_REGION_TOO_LARGE, t, nil
	}
	return data, 0, 0, err
}

// within cuts as finely as takes no more than so many bytes: values are means of squares of a whole number of pixels.
func (c *cutter) within(budget float64) ([]byte, error) {
	longest, values := max(c.region.Dx(), c.region.Dy()), min(regionPixels, max(budget/bytesPerValue, 1))
	side := math.Sqrt(float64(c.region.Dx()) * float64(c.region.Dy()) / values)
	for side = max(side, float64(longest)/float64(c.most)); ; {
		whole := max(int(math.Ceil(side)), 1)
		if longest/whole < regionSide {
			whole = max(longest/regionSide, 1)
		}
		data, err := c.pack(longest / whole)
		if err != nil || float64(len(data)) <= budget || longest/(whole+1) < regionSide {
			return data, err
		}
		side = max(float64(whole)*math.Sqrt(float64(len(data))/budget), float64(whole+1))
	}
}

// pack packs the region with so many values along its longest side.
func (c *cutter) pack(longest int) ([]byte, error) {
	var b bytes.Buffer
	err := picture.WriteValues(&b, c.image, c.region, longest, nil)
	return b.Bytes(), err
}

// sendRegion sends the next part of the first answer that can go on; false when there is none, or no room.
func (s *session) sendRegion(now time.Time) (bool, error) {
	for _, a := range s.regions.ready {
		done := a.sent > 0 && a.sent == len(a.data) || a.refused != 0 && len(a.flying) > 0
		room := s.window.chunk()
		if done || s.window.inFlight > 0 && s.window.inFlight+room > s.window.limit() {
			continue
		}
		part := a.data[a.sent:][:min(max(room, minChunk), maxChunk, len(a.data)-a.sent)]
		n, err := s.publish(wire.LeafChunk, &wire.Chunk{
			Journal: s.id.ID, Total: int64(len(a.data)), Offset: int64(a.sent), Data: part,
			Region: &wire.RegionPart{
				Tag: a.tag, Refused: a.refused, TakesMs: uint32(min(a.takes.Milliseconds(), math.MaxUint32)),
			},
		})
		if err != nil {
			return false, err
		}
		a.sent += len(part)
		f := flight{last: int64(a.sent), bytes: n, sent: now}
		s.window.reserve(&f)
		a.flying = append(a.flying, f)
		return true, nil
	}
	return false, nil
}

// onRegionProgress handles that the hub has an answer up to so many bytes; one that it has whole is done.
func (s *session) onRegionProgress(h *wire.Held, now time.Time) {
	q := &s.regions
	i := slices.IndexFunc(q.ready, func(a *answer) bool { return a.tag == h.Region })
	if i < 0 {
		return
	}
	a := q.ready[i]
	for len(a.flying) > 0 && a.flying[0].last <= h.Bytes {
		f := a.flying[0]
		a.flying = a.flying[1:]
		s.window.deliver(&f, now)
	}
	if len(a.flying) == 0 && a.sent == len(a.data) {
		q.ready = slices.Delete(q.ready, i, i+1)
	}
}
