package transport

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrPlayed means that a recording holds no further connection.
var ErrPlayed = errors.New("the recording ends")

// NewPlayback returns an Opener whose streams give what was recorded instead of what a device says: a stream for each
// connection. What is written goes nowhere. torn is called when the recording ends in the middle of a connection.
func NewPlayback(records []Record, torn func()) *Opener {
	return &Opener{playback: &playback{records: records, torn: torn}}
}

type playback struct {
	records []Record
	torn    func()
}

// open begins with the next connection, or in the middle of one when the recording does.
func (p *playback) open() (Stream, error) {
	for len(p.records) > 0 {
		switch p.records[0].Kind {
		case RecordOpen:
			p.records = p.records[1:]
			return &played{playback: p}, nil
		case RecordIn:
			return &played{playback: p}, nil
		}
		p.records = p.records[1:]
	}
	return nil, ErrPlayed
}

// played is a stream of a recording.
type played struct {
	*playback
	at time.Time // of the last chunk
}

// Next implements Stream. Where nothing was said for longer than a Tick there is an empty chunk for each, as there was
// then.
func (s *played) Next(ctx context.Context) (Chunk, error) {
	for len(s.records) > 0 {
		if err := ctx.Err(); err != nil {
			return Chunk{}, err
		}
		r := s.records[0]
		if next := s.at.Add(Tick); !s.at.IsZero() && r.At.After(next) && r.Kind != RecordOpen {
			s.at = next
			return Chunk{At: next}, nil
		}
		s.records = s.records[1:]
		s.at = r.At
		switch r.Kind {
		case RecordIn:
			return Chunk{At: r.At, Data: r.Data}, nil
		case RecordOpen: // the agent was killed: it connected again without having disconnected
			return Chunk{At: r.At, Break: true}, nil
		case RecordClose:
			return Chunk{}, io.EOF
		}
	}
	s.torn()
	return Chunk{}, io.EOF
}

func (s *played) Write(p []byte) (int, error) { return len(p), nil }
func (s *played) Settled()                    {}
func (s *played) Close() error                { return nil }
