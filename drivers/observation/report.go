package observation

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Boxes that a person draws on an image are an act in a case, and the lane makes a report of each such act: an act of its
// own, which attaches DICOS files with the same boxes and their labels. What is erased of the one is erased of the other.

// reportPrefix begins the keys of reports.
const reportPrefix = "report "

// ReportKey is the key of the lane's act that attaches the report of the boxes of a row, by that row and its journal.
func ReportKey(journal []byte, idx int64) string {
	return fmt.Sprintf(reportPrefix+"%x/%d", journal[:min(len(journal), 8)], idx)
}

// IsReportKey reports whether a key is one of ReportKey.
func IsReportKey(key string) bool { return strings.HasPrefix(key, reportPrefix) }

// ReportIn returns the key of the report that a row is, by its kind and encoded body; "" for any other row.
func ReportIn(kind Kind, body []byte) string {
	if act := caseEventIn(kind, body); IsReportKey(act.GetKey()) {
		return act.GetKey()
	}
	return ""
}

// ReportOn returns the key of the report that there may be on a row, by its kind, encoded body, journal and place: a row
// with boxes that somebody drew; "" for any other row. Of a copy it is the report on the row that it is a copy of.
func ReportOn(kind Kind, body, journal []byte, idx int64) string {
	act := caseEventIn(kind, body)
	boxes := false
	for _, a := range act.GetAttachments() {
		boxes = boxes || len(a.Boxes) > 0
	}
	switch {
	case !boxes:
		return ""
	case act.GetOrigin() != nil:
		return ReportKey(act.Origin.Journal, act.Origin.Idx)
	}
	return ReportKey(journal, idx)
}

// ReportedRows returns the rows of the same journal that a report is on, by its encoded body.
func ReportedRows(body []byte) (rows []int64) {
	for _, a := range caseEventIn(Kind_KIND_CASE_EVENT, body).GetAttachments() {
		rows = append(rows, a.Row)
	}
	return rows
}

// TakesArtifacts reports whether the artifacts of a row are erased with its personal values: what came with a read of a
// plate or tag, and reports of boxes.
func TakesArtifacts(kind Kind, body []byte) bool {
	return Describe(kind).Reads != "" || ReportIn(kind, body) != ""
}

// caseEventIn decodes a row about a case; nil for another row, and for one that cannot be decoded.
func caseEventIn(kind Kind, body []byte) *CaseEvent {
	b := &Body{}
	if kind != Kind_KIND_CASE_EVENT || proto.Unmarshal(body, b) != nil {
		return nil
	}
	return b.GetCaseEvent()
}
