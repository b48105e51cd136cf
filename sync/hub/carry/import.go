package carry

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/wire"
)

// Sender names the agent that a file is of.
type Sender struct{ Site, Agent string }

// Hub files what an agent says, as if it came over the link, and returns the answer once that is durable.
type Hub interface {
	Hello(context.Context, Sender, *wire.Hello) (*wire.Ack, error)
	Batch(context.Context, Sender, *wire.Batch) (*wire.Ack, error)
	Chunk(context.Context, Sender, *wire.Chunk) (*wire.Ack, error)
}

// Import takes a carried file in, member by member: what it has filed stays filed when it ends early, and the same file
// may be taken in again. It returns what the hub has then of the journal, as far as the file speaks of it. An error is the
// file's, in both languages, or the hub's.
func Import(ctx context.Context, file io.Reader, hub Hub) (Taken, error) {
	codec, err := wire.NewCodec()
	if err != nil {
		return Taken{}, err
	}
	defer codec.Close()
	in := &importer{
		ctx: ctx, codec: codec, hub: hub, tar: tar.NewReader(file),
		taken: Taken{Cursors: map[observation.Class]int64{}},
	}
	err = in.hello()
	for err == nil {
		err = in.next()
	}
	if errors.Is(err, errEnd) {
		err = nil
	}
	return in.taken, err
}

// errEnd ends the reading of members.
var errEnd = errors.New("end")

// importer reads the members of a file.
type importer struct {
	ctx    context.Context
	codec  *wire.Codec
	hub    Hub
	tar    *tar.Reader
	number int
	id     []byte        // of the file; nil before the first member
	key    note.Verifier // of the agent
	from   Sender
	said   *wire.Hello // what is said to the hub
	signed string      // the file's checkpoint
	taken  Taken
}

// read reads the next member and checks it. In the first one the key stands in the payload: open returns it.
func (in *importer) read(open func(payload []byte) (note.Verifier, error)) (leaf string, payload []byte, err error) {
	h, err := in.tar.Next()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", nil, message.Errorf("carry.cut", message.Int("member", in.number))
	}
	if err != nil {
		return "", nil, message.Wrap(err, "carry.unreadable")
	}
	number, leaf, _ := strings.Cut(h.Name, "-")
	if want := memberName(in.number, leaf); want != h.Name || number == "" || h.Size > wire.MaxPayload {
		return "", nil, message.Errorf("carry.member", message.Quoted("have", h.Name), message.Int("want", in.number))
	}
	in.number++
	payload = make([]byte, h.Size)
	if _, err := io.ReadFull(in.tar, payload); err != nil {
		return "", nil, message.Errorf("carry.cut", message.Int("member", in.number))
	}
	if open != nil {
		if in.key, err = open(payload); err != nil {
			return "", nil, err
		}
	}
	in.id, err = checkMember(in.id, h.PAXRecords[signatureRecord], h.Name, payload, in.key)
	return leaf, payload, err
}

// hello reads the first member and has the hub accept the journal. A hub that has more of it than the file goes on.
func (in *importer) hello() error {
	hello := &wire.Hello{}
	leaf, _, err := in.read(func(payload []byte) (note.Verifier, error) {
		if err := in.codec.Decode(payload, hello); err != nil {
			return nil, message.Errorf("carry.unreadable")
		}
		key, err := note.NewVerifier(hello.Verifier)
		if err != nil {
			return nil, message.Wrap(err, "carry.unreadable")
		}
		return key, nil
	})
	if err != nil {
		return err
	}
	parts := strings.Split(in.key.Name(), "/") // lanewarden/SITE/AGENT
	if leaf != wire.LeafHello || len(parts) != 3 {
		return message.Errorf("carry.unreadable")
	}
	if _, _, _, err := wire.ParseTopic(wire.Topic(parts[1], parts[2], leaf)); err != nil { // names as on the link
		return message.Wrap(err, "carry.unreadable")
	}
	in.from = Sender{Site: parts[1], Agent: parts[2]}
	in.taken.From, in.taken.Journal = in.from, hello.Journal
	origin := evidence.Origin(parts[1], parts[2], hello.Journal)
	in.taken.Signed, err = evidence.OpenCheckpoint(hello.Checkpoint, in.key, origin)
	if err != nil {
		return err
	}
	in.signed, hello.Checkpoint = hello.Checkpoint, ""
	in.said = hello
	return in.greet()
}

// greet says the hello to the hub. A hub that has more of the journal than the file goes on: the link was faster.
func (in *importer) greet() error {
	ack, err := in.hub.Hello(in.ctx, in.from, in.said)
	if err != nil || ack.Refusal == wire.Refusal_REFUSAL_ROLLED_BACK {
		return err
	}
	return refused(ack)
}

// end has the hub hold the rows against what the lane signed, once they are all there: the checkpoint of a file that is
// refused before, as its journal was restored, would be held against the original's rows.
func (in *importer) end() error {
	in.said.Checkpoint = in.signed
	if err := in.greet(); err != nil {
		return err
	}
	return errEnd
}

// next files one member, which must be of the journal of the hello: the receipts are about that one alone. It returns errEnd
// after the last one.
func (in *importer) next() error {
	leaf, payload, err := in.read(nil)
	if err != nil {
		return err
	}
	switch leaf {
	case leafEnd:
		return in.end()
	case wire.LeafChunk:
		chunk := &wire.Chunk{}
		if err := in.decode(payload, chunk); err != nil {
			return err
		}
		if err := chunk.Validate(); err != nil {
			return message.Wrap(err, "carry.unreadable")
		}
		if !bytes.Equal(chunk.Journal, in.taken.Journal) {
			return message.Errorf("carry.unreadable")
		}
		return in.chunk(chunk)
	default:
		batch := &wire.Batch{}
		if err := in.decode(payload, batch); err != nil {
			return err
		}
		if leaf != wire.ClassLeaf(batch.Class) || !bytes.Equal(batch.Journal, in.taken.Journal) {
			return message.Errorf("carry.unreadable")
		}
		return in.batch(batch)
	}
}

func (in *importer) decode(payload []byte, m proto.Message) error {
	if err := in.codec.Decode(payload, m); err != nil {
		return message.Wrap(err, "carry.unreadable")
	}
	return nil
}

// batch files rows. Where the link or another file was faster, it is told the hub's cursor and files the rest. What is
// taken ends with the file: rows after it may be others at the lane, whose journal may be restored from a copy.
func (in *importer) batch(b *wire.Batch) error {
	last := b.Prev
	for _, delta := range slices.Concat(b.IdxDelta, b.GapDelta) {
		last += int64(delta)
	}
	for {
		ack, err := in.hub.Batch(in.ctx, in.from, b)
		if err == nil {
			err = refused(ack)
		}
		if err != nil {
			return err
		}
		if len(ack.Cursors) != 1 {
			return message.Errorf("carry.unreadable")
		}
		c := ack.Cursors[0]
		in.taken.Cursors[b.Class] = min(c.Idx, last)
		if !c.GoBack {
			in.taken.Rows += len(b.IdxDelta)
			return nil
		}
		if c.Idx < b.Prev {
			return message.Errorf("carry.hole", message.Nested("class", message.New("class."+b.Class.Name())),
				message.String("from", itoa(c.Idx+1)), message.String("to", itoa(b.Prev)))
		}
		if b, err = after(b, c.Idx); b == nil || err != nil {
			return err
		}
	}
}

// after returns the part of a batch above an idx, nil when there is none.
func after(b *wire.Batch, idx int64) (*wire.Batch, error) {
	gap, err := b.Gap()
	if err != nil {
		return nil, err
	}
	if gap != nil {
		for len(gap) > 0 && gap[0].Idx <= idx {
			gap = gap[1:]
		}
		if len(gap) == 0 {
			return nil, nil
		}
		return wire.NewGap(b.Journal, b.Class, idx, gap), nil
	}
	rows, err := b.Rows()
	for len(rows) > 0 && rows[0].Idx <= idx {
		rows = rows[1:]
	}
	if len(rows) == 0 || err != nil {
		return nil, err
	}
	return wire.NewBatch(b.Journal, b.Class, idx, rows), nil
}

// chunk files a part of an artifact. One that the hub cannot take now, as it lacks what comes before or the row that names
// it, is left to the link or the next file.
func (in *importer) chunk(c *wire.Chunk) error {
	ack, err := in.hub.Chunk(in.ctx, in.from, c)
	if err == nil {
		err = refused(ack)
	}
	if err == nil && len(ack.Artifacts) == 1 && ack.Artifacts[0].Complete {
		last := len(in.taken.Artifacts) - 1
		if sum := [32]byte(c.Sha256); last < 0 || in.taken.Artifacts[last] != sum {
			in.taken.Artifacts = append(in.taken.Artifacts, sum)
		}
	}
	return err
}

// refused returns the hub's refusal as an error, nil when it did not refuse.
func refused(ack *wire.Ack) error {
	if ack.Refusal == wire.Refusal_REFUSAL_NONE {
		return nil
	}
	why := message.Text{EN: ack.RefusalText, FR: ack.RefusalTextFr}
	return message.Errorf("carry.refused", message.Nested("why", why.Message()))
}
