package jcampdx

import (
	"slices"
	"strconv"
)

// variableRecord is a record of an NTUPLES block that says something of each variable, the values set apart by commas.
type variableRecord struct {
	label string
	set   func(v *Variable, text string)
	text  func(v *Variable) string // "" for what is not known
}

// variableRecords are these records, in the order in which they are written. Source: JCAMP-DX 5.00, section 5.
var variableRecords = []variableRecord{
	textRecord("VAR_NAME", func(v *Variable) *string { return &v.Name }),
	textRecord("SYMBOL", func(v *Variable) *string { return &v.Symbol }),
	textRecord("VAR_TYPE", func(v *Variable) *string { return &v.Type }),
	textRecord("VAR_FORM", func(v *Variable) *string { return &v.Form }),
	{"VAR_DIM", setDim, dimText},
	textRecord("UNITS", func(v *Variable) *string { return &v.Units }),
	numberRecord("FIRST", func(v *Variable) *float64 { return &v.First }),
	numberRecord("LAST", func(v *Variable) *float64 { return &v.Last }),
	numberRecord("FACTOR", func(v *Variable) *float64 { return &v.Factor }),
}

// isVariableRecord reports whether a record's key is of one of them.
func isVariableRecord(key string) bool {
	return slices.ContainsFunc(variableRecords, func(r variableRecord) bool { return Key(r.label) == key })
}

// textRecord and numberRecord return records whose values go to a field of each variable.
func textRecord(label string, field func(*Variable) *string) variableRecord {
	return variableRecord{
		label: label,
		set:   func(v *Variable, text string) { *field(v) = text },
		text:  func(v *Variable) string { return *field(v) },
	}
}

func numberRecord(label string, field func(*Variable) *float64) variableRecord {
	return variableRecord{
		label: label,
		set: func(v *Variable, text string) {
			number, err := strconv.ParseFloat(text, 64)
			if err != nil {
				number = missing
			}
			*field(v) = number
		},
		text: func(v *Variable) string { return known(*field(v)) },
	}
}

// setDim reads the number of a variable's values; what is no number says nothing.
func setDim(v *Variable, text string) { v.Dim, _ = strconv.Atoi(text) }

// dimText is the inverse of setDim.
func dimText(v *Variable) string {
	if v.Dim == 0 {
		return ""
	}
	return strconv.Itoa(v.Dim)
}
