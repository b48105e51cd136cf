package evidence

import (
	"encoding/json"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation/coded"
)

// ExportFormat names the files that Export writes.
const ExportFormat = "lanewarden-evidence-1"

// Export is records handed to somebody else, each with the proof that it stands in the log that the agent signed. It shows no other record.
type Export struct {
	Format     string           `json:"format"`
	Origin     string           `json:"origin"`
	Key        string           `json:"verify_key"` // compare it with what the agency publishes: an export proves itself only against that
	Checkpoint string           `json:"checkpoint"` // signed note
	Records    []ExportedRecord `json:"records"`
}

// ExportedRecord is one row. Bytes are base64.
type ExportedRecord struct {
	Idx         int64           `json:"idx"`
	Class       uint8           `json:"class"`
	TimeNs      int64           `json:"time_ns,string"`
	Kind        uint16          `json:"kind"`
	Device      string          `json:"device"`
	Blind       []byte          `json:"blind"`
	Body        []byte          `json:"body"`                    // the exact bytes that were hashed: lanewarden.v1.Body
	Observation json.RawMessage `json:"observation,omitempty"`   // the same, readable; what is proven is body
	Proof       [][]byte        `json:"proof"`                   // RFC 6962 audit path
	Salt        []byte          `json:"personal_salt,omitempty"` // of the commitment to personal values in body; absent when there are none, or they are erased
	Personal    []byte          `json:"personal,omitempty"`      // those values (package personal)
}

// NewExport proves records of a log whose tree at its newest checkpoint is tree.
func NewExport(origin, key, checkpoint string, tree *Tree, tiles Tiles, records []ExportedRecord) (*Export, error) {
	reader := tree.Reader(tiles)
	for i := range records {
		proof, err := tlog.ProveRecord(tree.Size(), records[i].Idx, reader)
		if err != nil {
			return nil, coded.New("evidence.row", coded.Number("row", records[i].Idx), coded.CausedBy(err))
		}
		for _, h := range proof {
			records[i].Proof = append(records[i].Proof, h[:])
		}
	}
	return &Export{Format: ExportFormat, Origin: origin, Key: key, Checkpoint: checkpoint, Records: records}, nil
}

// Check verifies an export against a public key, its own when key is empty, and returns how many rows the checkpoint covers and what is wrong.
func (e *Export) Check(key string) (size int64, findings []error, err error) {
	if e.Format != ExportFormat {
		return 0, nil, coded.New("evidence.format", coded.Value("format", strconv.Quote(e.Format)),
			coded.Value("want", ExportFormat))
	}
	if key == "" {
		key = e.Key
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, nil, err
	}
	c, err := OpenCheckpoint(e.Checkpoint, verifier, e.Origin)
	if err != nil {
		return 0, []error{coded.New("evidence.checkpoint", coded.CausedBy(err))}, nil
	}
	for _, r := range e.Records {
		if err := r.check(c); err != nil {
			findings = append(findings, coded.New("evidence.row-of", coded.Number("row", r.Idx),
				coded.Value("device", r.Device), coded.CausedBy(err)))
		}
	}
	return c.Size, findings, nil
}

func (r *ExportedRecord) check(c Checkpoint) error {
	if len(r.Blind) != len(Blind{}) {
		return coded.New("evidence.blind")
	}
	leaf, err := AppendLeaf(nil, Blind(r.Blind), Record{Class: r.Class, Time: r.TimeNs, Kind: r.Kind, Device: r.Device, Body: r.Body})
	if err != nil {
		return err
	}
	proof := make(tlog.RecordProof, len(r.Proof))
	for i, h := range r.Proof {
		if len(h) != tlog.HashSize {
			return coded.New("evidence.proof-hash")
		}
		proof[i] = tlog.Hash(h)
	}
	if tlog.CheckRecord(proof, c.Size, c.Root, r.Idx, tlog.RecordHash(leaf)) != nil {
		return coded.New("evidence.not-proven")
	}
	return nil
}
