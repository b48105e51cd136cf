package torture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
)

// check holds the ledger against the oracle and has both sides verify their evidence, as an operator does.
func (r *rig) check(ctx context.Context) error {
	rows, journals, err := r.readLedger()
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	v := r.oracle.compare(rows)
	r.result.Acknowledged, r.result.Lost, r.result.Doubled = v.acknowledged, len(v.lost), len(v.doubled)
	r.result.Rows = len(rows)
	for _, i := range v.lost {
		r.result.note("lost: %s %s", i.kind, i.key)
	}
	for _, i := range v.doubled {
		r.result.note("doubled: %s %s", i.kind, i.key)
	}
	if journals != 1 {
		r.result.EvidenceBreaks++
		r.result.note("the ledger has %d journals: the agent set one aside", journals)
	}
	for _, name := range both {
		out, err := exec.CommandContext(ctx, r.path("bin/lanectl"), "verify", r.path(name)).CombinedOutput()
		fmt.Fprintf(r.log, "lanectl verify, %s:\n%s\n", name, out)
		if err != nil {
			r.result.EvidenceBreaks++
			r.result.note("lanectl verify of the %s: %v", name, err)
		}
	}
	return nil
}

// feedPage is how many rows are read at a time.
const feedPage = 1000

// readLedger reads the rows of devices' results as the feed's readers get them, and counts the journals. It reads a
// copy: SQLite maps its files into memory, and a program that serves a disk must not wait for its own pages.
func (r *rig) readLedger() (rows []stored, journals int, err error) {
	whole := r.path("hub-copy")
	if err := os.CopyFS(whole, os.DirFS(r.path(hubName))); err != nil {
		return nil, 0, err
	}
	l, err := ledger.Open(whole)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	seen := map[string]bool{}
	for after := int64(0); ; {
		page, err := l.Events(after, feedPage, ledger.Filter{})
		if err != nil || len(page) == 0 {
			return rows, len(seen), err
		}
		for _, e := range page {
			after, seen[string(e.Journal)] = e.Seq, true
			row, err := storedOf(l, e.Body)
			if err != nil {
				return nil, 0, fmt.Errorf("row %d: %w", e.Idx, err)
			}
			if row.kind != "" {
				rows = append(rows, row)
			}
		}
	}
}

// storedOf returns the result that a row is of, and the digest of what the hub holds of it. A row of something else has
// no kind.
func storedOf(l *ledger.Ledger, text []byte) (row stored, err error) {
	body := &observation.Body{}
	if err := proto.Unmarshal(text, body); err != nil {
		return row, err
	}
	if row.item = resultOf(body); row.kind != "" && row.kind != read {
		row.content, err = contentOf(l, body)
	}
	return row, err
}

// resultOf returns which result of a device a row is; none has no kind.
func resultOf(b *observation.Body) item {
	switch o := b.Typed().(type) {
	case *observation.RadiationSpectrum:
		return item{document, hex.EncodeToString(b.Artifacts[0].Sha256)}
	case *observation.TraceAnalysis:
		return item{swab, hex.EncodeToString(b.Artifacts[0].Sha256)}
	case *observation.VehiclePlate:
		return item{read, o.Normal}
	case *observation.XrayImage:
		return item{image, o.OoiId}
	}
	return item{}
}

// contentOf hashes what the hub holds of a row's first artifact: all of a file, the pixels of an image. One that it does
// not hold whole has the digest zero.
func contentOf(l *ledger.Ledger, b *observation.Body) (d digest, err error) {
	f, err := l.OpenArtifact(b.Artifacts[0].Sha256)
	if errors.Is(err, ledger.ErrNoArtifact) || errors.Is(err, os.ErrNotExist) {
		return d, nil
	} else if err != nil {
		return d, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil || int64(len(data)) != b.Artifacts[0].Size {
		return d, err
	}
	if i := b.GetXrayImage(); i != nil {
		data = data[max(0, len(data)-int(2*i.Rows*i.Columns)):]
	}
	return sha256.Sum256(data), nil
}
