package carry

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// Bounds on one message, as on the link.
const (
	batchRows   = 4096
	batchBodies = 1 << 20 // bytes
)

// Exported is what a carried file holds.
type Exported struct {
	Rows      observation.PerClass[int64]
	Artifacts int
	Bytes     int64 // of the file
	Missing   int   // artifacts whose file is gone or cannot be read
}

// Empty reports whether the hub has everything already.
func (e Exported) Empty() bool {
	return e.Rows == observation.PerClass[int64]{} && e.Artifacts == 0 && e.Missing == 0
}

// Export writes what the hub has not acknowledged of a journal: rows by class, alarms first, then artifacts. It is all
// under the newest checkpoint.
func Export(ctx context.Context, w io.Writer, r *journal.Reading, software string) (out Exported, err error) {
	codec, err := wire.NewCodec()
	if err != nil {
		return out, err
	}
	defer codec.Close()
	id := make([]byte, idBytes)
	rand.Read(id)
	x := &exporter{ctx: ctx, codec: codec, key: r.Key.Signer, id: id, from: r}
	counted := &counter{w: w}
	x.tar = tar.NewWriter(counted)
	err = errors.Join(x.hello(software), x.rows(), x.artifacts(), x.member(leafEnd, nil))
	if err == nil {
		err = x.tar.Close()
	}
	x.out.Bytes = counted.n
	return x.out, err
}

// exporter writes the members of a file, in order. After an error the others write nothing.
type exporter struct {
	ctx    context.Context
	codec  *wire.Codec
	key    note.Signer
	id     []byte // of the file, random
	from   *journal.Reading
	tar    *tar.Writer
	number int
	out    Exported
	failed error
}

// message packs a message and writes it as a member.
func (x *exporter) message(leaf string, m proto.Message) error {
	payload, err := x.codec.Encode(m)
	if err != nil {
		return err
	}
	return x.member(leaf, payload)
}

func (x *exporter) member(leaf string, payload []byte) error {
	if err := errors.Join(x.failed, x.ctx.Err()); err != nil {
		return err
	}
	name := memberName(x.number, leaf)
	signed, err := note.Sign(&note.Note{Text: statement(x.id, name, payload)}, x.key)
	if err == nil {
		err = x.tar.WriteHeader(&tar.Header{
			Name: name, Mode: 0o600, Size: int64(len(payload)), Format: tar.FormatPAX, ModTime: time.Unix(0, 0),
			PAXRecords: map[string]string{signatureRecord: string(signed)},
		})
	}
	if err == nil {
		_, err = x.tar.Write(payload)
	}
	x.number++
	x.failed = err
	return err
}

func (x *exporter) hello(software string) error {
	id := x.from.Identity()
	size, checkpoint := x.from.Checkpoint()
	return x.message(wire.LeafHello, &wire.Hello{
		Journal: id.ID, Size: size, Checkpoint: checkpoint, BlindKey: id.BlindKey, Verifier: id.Verifier, Software: software,
		Inventory: x.from.Inventory,
	})
}

func (x *exporter) rows() error {
	for _, class := range observation.Classes {
		for after := x.from.Acked(class); after < x.from.Last(class); {
			batch, last, err := x.batch(class, after)
			if err != nil {
				return err
			}
			if batch == nil {
				break
			}
			if err := x.message(wire.ClassLeaf(class), batch); err != nil {
				return err
			}
			after = last
		}
	}
	return nil
}

// batch returns what follows row after of a class, and its last row. It returns nil when the rest was removed to make room
// while the file was being written: the next file says so.
func (x *exporter) batch(class observation.Class, after int64) (b *wire.Batch, last int64, err error) {
	next, err := x.from.Next(class, after, journal.Limits{Rows: batchRows, Bytes: batchBodies, Removed: batchRows})
	if err != nil {
		return nil, 0, err
	}
	id := x.from.Identity().ID
	if n := len(next.Removed); n > 0 {
		removed := make([]wire.RemovedRow, n)
		for i, r := range next.Removed {
			removed[i] = wire.RemovedRow(r)
		}
		return wire.NewGap(id, class, after, removed), next.Removed[n-1].Idx, nil
	}
	rows := x.signed(next.Rows)
	if len(rows) == 0 {
		return nil, 0, nil
	}
	x.out.Rows[class] += int64(len(rows))
	return wire.NewBatch(id, class, after, rows), rows[len(rows)-1].Idx, nil
}

// signed returns rows as the wire has them, without those after the checkpoint.
func (x *exporter) signed(rows []journal.Row) (out []wire.Row) {
	for i := range rows {
		if rows[i].Idx < x.from.Size() {
			out = append(out, wire.RowOf(&rows[i], true))
		}
	}
	return out
}

func (x *exporter) artifacts() error {
	all, err := x.from.Unsent()
	if err != nil {
		return err
	}
	for _, a := range all {
		err := x.artifact(a)
		switch {
		case errors.Is(err, journal.ErrNoArtifact), errors.Is(err, fs.ErrNotExist), errors.Is(err, errShort):
			x.out.Missing++
		case err != nil:
			return err
		default:
			x.out.Artifacts++
		}
	}
	return nil
}

// errShort means that the file of an artifact does not have the bytes that the journal says.
var errShort = errors.New("the file is shorter than the artifact")

func (x *exporter) artifact(a journal.WaitingArtifact) error {
	reader, total, err := x.from.OpenArtifact(a.SHA256)
	if err != nil {
		return err
	}
	defer reader.Close()
	data := make([]byte, wire.MaxChunk)
	for offset := int64(0); ; {
		n, err := reader.ReadAt(data[:min(int64(len(data)), total-offset)], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 && total > 0 {
			return errShort
		}
		err = x.message(wire.LeafChunk, &wire.Chunk{
			Journal: x.from.Identity().ID, Sha256: a.SHA256, Total: total, Offset: offset, Data: data[:n],
		})
		if offset += int64(n); err != nil || offset >= total {
			return err
		}
	}
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
