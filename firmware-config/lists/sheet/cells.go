package sheet

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// Columns returns the names of a list's columns, nil for a list that there is not.
func Columns(kind lists.Kind) []string {
	if f := forms[kind]; f != nil {
		return f.columns()
	}
	return nil
}

// writers write rows as cells, in the order of their columns.
var writers = map[lists.Kind]func(lists.Row) ([]string, error){
	lists.Drivers: written(lists.DecodeDriver, func(d lists.Driver) []string {
		return []string{d.Program, d.Number, hexadecimal(d.EPC), hexadecimal(d.TID), instantCell(d.Valid.From), instantCell(d.Valid.To),
			string(d.Status), joinCells(d.Carriers)}
	}),
	lists.Carriers: written(lists.DecodeCarrier, func(c lists.Carrier) []string {
		return []string{c.Code, c.SCAC, c.Name, joinCells(c.Programs), strconv.FormatBool(c.Bonded), string(c.Status), instantCell(c.Valid.To)}
	}),
	lists.Importers: written(lists.DecodeImporter, func(i lists.Importer) []string {
		return []string{i.BN15, i.Name, joinCells(i.Programs), string(i.Status), instantCell(i.Valid.To)}
	}),
	lists.Pairs: written(lists.DecodePair, func(p lists.Pair) []string {
		return []string{p.Carrier, p.Importer, instantCell(p.Valid.To)}
	}),
	lists.Targets: written(lists.DecodeTarget, func(t lists.Target) []string {
		match := map[bool]string{true: "prefix", false: "exact"}[t.Prefix]
		return []string{string(t.Type), t.Key, match, joinCells(t.Exams), strconv.Itoa(t.Priority), instantCell(t.Valid.From),
			instantCell(t.Valid.To), t.ReasonCode, t.Releasability, t.Issuer}
	}),
	lists.Manifest: written(lists.DecodeShipment, func(s lists.Shipment) []string {
		return []string{s.CCN, s.CRN, s.Carrier, s.Importer, numberCell(s.DeclaredWeightKg), strconv.Itoa(s.Pieces), joinCells(s.HS), s.Goods,
			instantCell(s.Arrival.From), instantCell(s.Arrival.To)}
	}),
	lists.InTransit: written(lists.DecodeTransit, func(t lists.Transit) []string {
		seals := append(t.Seals, "", "", "", "")[:4]
		return []string{t.Container, seals[0], seals[1], seals[2], seals[3], t.InBondOrCCN, t.EntrySite, t.ExitSite, instantCell(t.LeftAt),
			instantCell(t.DueAt), numberCell(t.WeightKg), numberCell(t.ToleranceKg), t.RequiredExam}
	}),
	lists.Rates: written(lists.DecodeRate, func(r lists.Rate) []string {
		return []string{r.Site, r.Lane, r.Class, numberCell(r.Share)}
	}),
}

func written[T any](decode func(lists.Row) (T, error), cells func(T) []string) func(lists.Row) ([]string, error) {
	return func(r lists.Row) ([]string, error) {
		row, err := decode(r)
		return cells(row), err
	}
}

// Cells returns a row as cells that Read takes, in the order of Columns.
func Cells(kind lists.Kind, r lists.Row) ([]string, error) {
	write := writers[kind]
	if write == nil {
		return nil, message.Errorf("lists.no-kind", message.Quoted("kind", string(kind)))
	}
	return write(r)
}

func hexadecimal(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func joinCells(all []string) string { return strings.Join(all, ";") }

func numberCell(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// instantCell writes a time with its zone: a plain day would be another one in columns that name the last day.
func instantCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
