package casebook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
)

// reportMedia is the media type of the reports.
const reportMedia = "application/dicom"

// report returns the row that attaches, as DICOS threat reports of a human operator, the boxes that somebody drew on
// images, at the lane or at the centre; none when there are no boxes, or the report is there. An image that is not here, or
// that is no DICOM object, has no report: the boxes themselves are in the row.
func (c *Casebook) report(ctx context.Context, e *cases.Event) []*observation.Observation {
	if e.Act == nil || e.Act.Role == cases.LaneRole || !slices.ContainsFunc(e.Act.Attachments, hasBoxes) {
		return nil
	}
	key := cases.ReportKey(e.Ref)
	one, err := c.Case(e.Act.Id)
	if err != nil || one == nil || one.Has(key) {
		return nil
	}
	act := &observation.CaseEvent{
		Id: one.ID, Action: observation.CaseEvent_ACTION_ATTACH, By: cases.LaneRole, Role: cases.LaneRole, Key: key, Seen: one.Heads(),
	}
	row := observe(e.Time, act)
	row.Key = journal.CaseKey(key)
	for i, a := range e.Act.Attachments {
		if !hasBoxes(a) {
			continue
		}
		file, err := c.reportOf(ctx, e, i)
		if err != nil {
			c.o.Log.Warn("the boxes of a case have no report", "case", one.ID, "by", e.Act.By, "err", err)
			continue
		}
		act.Attachments = append(act.Attachments, &observation.CaseAttachment{Sha256: file.Sha256, MediaType: file.MediaType, Row: e.Row})
		row.Body.Artifacts = append(row.Body.Artifacts, file)
	}
	if len(act.Attachments) == 0 {
		return nil
	}
	return []*observation.Observation{row}
}

func hasBoxes(a *observation.CaseAttachment) bool { return len(a.Boxes) > 0 }

// reportOf stores the report of one attachment of an event.
func (c *Casebook) reportOf(ctx context.Context, e *cases.Event, i int) (*observation.Artifact, error) {
	a := e.Act.Attachments[i]
	r, size, err := c.o.Journal.OpenArtifact(a.Sha256)
	if err != nil {
		return nil, err
	}
	image, err := dicom.ReadHeader(io.NewSectionReader(r, 0, size))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf([]byte(e.Journal), "/%d/%d", e.Idx, i))
	o := dicos.Opinion{
		Instance: "2.25." + new(big.Int).SetBytes(sum[:16]).String(), By: e.Act.By, At: e.Time, Decision: decisionOf(e.Act.Verdict),
	}
	for _, b := range a.Boxes {
		o.Boxes = append(o.Boxes, dicos.Box{Label: b.Label, X: b.X, Y: b.Y})
	}
	var file bytes.Buffer
	if err := dicos.WriteOpinion(&file, image, o); err != nil {
		return nil, err
	}
	return c.o.Journal.StoreArtifact(ctx, &file, reportMedia, fmt.Sprintf("%s-%d-%d-tdr.dcs", e.Act.Id, e.Idx, i))
}

// decisionOf returns what a verdict says of the image in the words of DICOS.
func decisionOf(v *observation.CaseVerdict) string {
	switch {
	case v.GetImage() == "suspect", v.GetImage() == "" && cases.Group(v.GetCode()) == cases.RealAlarm:
		return "ALARM"
	case v.GetImage() == "clear", v.GetImage() == "" && cases.Group(v.GetCode()) == cases.FalseAlarm:
		return "CLEAR"
	}
	return "UNKNOWN"
}
