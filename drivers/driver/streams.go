package driver

import (
	"context"
	"errors"
	"io"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Decoder makes observations of what a device sends, unasked. It knows no clock but the times of what it is given: a
// replay gives the same.
type Decoder interface {
	// Feed takes bytes; empty when only time passed.
	Feed(at time.Time, data []byte) []*observation.Observation
	// Break reports that the input broke off: what is under way is incomplete.
	Break(at time.Time) []*observation.Observation
	// Idle reports whether nothing is under way.
	Idle() bool
	// Sound counts the frames that were understood.
	Sound() uint64
}

// Listener runs a device on a stream: it opens the link, feeds the decoder, commits, and says how the device is.
type Listener struct {
	Link        transport.Link
	Decoder     Decoder
	Faults      *Faults // that the decoder adds to
	SilentAfter time.Duration
	Silent      message.Message        // what a technician shall look at when nothing comes
	Quiet       bool                   // the device says nothing until somebody uses it
	About       func() message.Message // what a technician may want to know of a device that runs; may be nil
	// Talk is called when what came is durable, and whenever time passed: it may write to the device, and ends the
	// connection with an error. May be nil.
	Talk func(s transport.Stream) error
	// Bye is called before the stream is closed because the agent stops. May be nil.
	Bye func(s transport.Stream)
}

// Run reads until ctx ends or the connection is lost.
func (l *Listener) Run(ctx context.Context, links *transport.Opener, sink Sink) error {
	stream, err := links.Open(ctx, l.Link)
	if err != nil {
		return err
	}
	defer stream.Close()
	l.Faults.Source = l.Link.String()
	sink = Unacknowledged(sink)
	sink.State(observation.DeviceState_STATE_CONNECTING,
		message.New("device.connecting", message.String("address", l.Link.String())))
	heard, sound, last := time.Now(), l.Decoder.Sound(), time.Time{}
	quiet := l.Quiet // and not yet called running
	for {
		chunk, err := stream.Next(ctx)
		if err == nil {
			err = l.take(ctx, sink, chunk)
			last = chunk.At
		}
		if err == nil && l.Talk != nil {
			err = l.Talk(stream)
		}
		if err != nil {
			if ctx.Err() != nil && l.Bye != nil {
				l.Bye(stream)
			}
			return errors.Join(l.finish(ctx, sink, last), lost(err))
		}
		switch n := l.Decoder.Sound(); {
		case n != sound:
			heard, sound, quiet = time.Now(), n, false
			about := message.Message{}
			if l.About != nil {
				about = l.About()
			}
			sink.State(observation.DeviceState_STATE_RUNNING, about)
		case quiet && len(chunk.Data) == 0 && !chunk.Break:
			// Time passed on a line that is open. Before that it may be a replay of the tape, or a converter that
			// takes each connection and ends it at once because another client has the line.
			quiet = false
			sink.State(observation.DeviceState_STATE_RUNNING, message.New("device.nothing-yet"))
		case l.SilentAfter > 0 && time.Since(heard) > l.SilentAfter:
			sink.State(observation.DeviceState_STATE_SILENT, message.New("device.silent",
				message.String("address", l.Link.String()), message.ExactDuration("for", l.SilentAfter),
				message.Nested("check", l.Silent)))
		}
		if l.Decoder.Idle() {
			stream.Settled()
		}
	}
}

func (l *Listener) take(ctx context.Context, sink Sink, c transport.Chunk) error {
	var obs []*observation.Observation
	if c.Break {
		obs = l.Decoder.Break(c.At)
	} else {
		obs = l.Decoder.Feed(c.At, c.Data)
	}
	l.Faults.Tick(c.At)
	return CommitAny(ctx, sink, append(obs, l.Faults.Take()...))
}

// lost words the end of a connection.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return message.Wrap(err, "device.closed")
	}
	return err
}

// Say writes to a device. A stream that still replays its tape takes nothing, and that is no error.
func Say(s transport.Stream, p []byte) error {
	_, err := s.Write(p)
	if errors.Is(err, transport.ErrReplaying) {
		return nil
	}
	return err
}

// finishTimeout bounds the last commit of a connection that ends because the agent stops.
const finishTimeout = 500 * time.Millisecond

// finish commits what is under way, also when ctx has ended already. last is when something came last: a replay must
// give the same.
func (l *Listener) finish(ctx context.Context, sink Sink, last time.Time) error {
	if last.IsZero() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	obs := l.Decoder.Break(last)
	l.Faults.Flush()
	return CommitAny(ctx, sink, append(obs, l.Faults.Take()...))
}
