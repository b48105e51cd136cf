package torture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
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

// readLedger reads the rows of devices' results, and how many journals there are.
func (r *rig) readLedger() (rows []stored, journals int64, err error) {
	path := filepath.Join(r.path(hubName), ledger.FileName)
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if journals, err = db.Int("SELECT count(*) FROM journal", 0); err != nil {
		return nil, 0, err
	}
	if r.sealer, err = ledger.SealerBeside(db, path); err != nil {
		return nil, 0, err
	}
	var bodies []*observation.Body // read first: the artifacts are asked for over the same connection
	err = db.Query("SELECT kind, body, sealed FROM observation", func(c []driver.Value) error {
		kind, body := observation.Kind(sqlog.Int64(c[0])), &observation.Body{}
		text, err := ledger.WithValues(r.sealer, kind, sqlog.Bytes(c[1]), sqlog.Bytes(c[2]), "")
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(text, body); err != nil {
			return err
		}
		if resultOf(body).kind != "" {
			bodies = append(bodies, body)
		}
		return nil
	})
	for _, body := range bodies {
		if err != nil {
			return nil, 0, err
		}
		row := stored{item: resultOf(body)}
		if row.kind != read {
			row.content, err = r.contentOf(db, body)
		}
		rows = append(rows, row)
	}
	return rows, journals, err
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

// contentOf hashes what the hub holds of a row's first artifact: all of a file, the pixels of an image.
func (r *rig) contentOf(db *sqlog.DB, b *observation.Body) (digest, error) {
	data, err := r.artifact(db, b.Artifacts[0].Sha256)
	if err != nil || int64(len(data)) != b.Artifacts[0].Size {
		return digest{}, err
	}
	if i := b.GetXrayImage(); i != nil {
		data = data[max(0, len(data)-int(2*i.Rows*i.Columns)):]
	}
	return sha256.Sum256(data), nil
}

// artifact returns an artifact's bytes, none when the hub does not hold it.
func (r *rig) artifact(db *sqlog.DB, sum []byte) (data []byte, err error) {
	size := int64(-1)
	err = db.Query("SELECT size, inline FROM artifact WHERE sha256=? AND held>0", func(c []driver.Value) (err error) {
		size = sqlog.Int64(c[0])
		data, err = personal.Inline(r.sealer, bytes.Clone(sqlog.Bytes(c[1])), sum, size)
		return err
	}, sum)
	if err != nil || data != nil || size <= 0 {
		return data, err
	}
	f, err := os.Open(sqlog.ArtifactPath(r.path(hubName), sum))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
