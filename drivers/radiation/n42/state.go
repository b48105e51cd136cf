package n42

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is what an instrument says of itself or of a detector: that it is broken, or could not analyse. Detector is
// "" for the instrument. Source: N42.42-2011, RadInstrumentState, RadDetectorState, RadItemState and
// AnalysisResults; documents of 2006 write the same as attributes or as text of the element.
type Fault struct {
	Detector, Code, Severity, Description string
	Analysis                              bool // of AnalysisResults: Code is its status
}

// maxFaults is how many different faults of a document are kept.
const maxFaults = 20

// Severe reports whether the instrument or detector does not work: severity Fatal or Error.
func (f Fault) Severe() bool {
	s := strings.ToLower(f.Severity)
	return s == "fatal" || s == "error" || s == "critical"
}

// String describes in words what is wrong.
func (f Fault) String() string {
	what := "the instrument reports a fault"
	switch {
	case f.Analysis:
		what = "the instrument's analysis has the status"
	case f.Detector != "":
		what = fmt.Sprintf("detector %q reports a fault", f.Detector)
	}
	for _, word := range []string{f.Code, f.Severity} {
		if word != "" {
			what += " " + word
		}
	}
	if f.Description != "" {
		what += ": " + f.Description
	}
	return what
}

// faultKeys are attributes of a fault's element.
var faultKeys = struct{ code, severity, description []string }{
	[]string{"faultcodevalue", "faultcode", "code"},
	[]string{"faultseveritycode", "faultseverity", "severity"},
	[]string{"faultdescription", "description"},
}

// openFault begins a fault. It is of the detector that the elements around it name, else of the instrument.
func (d *decoder) openFault(e element) {
	d.fault = Fault{
		Detector: clean(d.around(detectorKeys...)), Code: clean(first(e.attrs, faultKeys.code...)),
		Severity:    clean(first(e.attrs, faultKeys.severity...)),
		Description: clean(first(e.attrs, faultKeys.description...)),
	}
}

// stateValue takes over a value of a state or of an analysis. It returns false for an element that is neither.
func (d *decoder) stateValue(name, text string) bool {
	fault := d.within("fault")
	switch {
	case fault && slices.Contains(faultKeys.code, name):
		d.fault.Code = clean(text)
	case fault && slices.Contains(faultKeys.severity, name):
		d.fault.Severity = clean(text)
	case fault && slices.Contains(faultKeys.description, name):
		d.fault.Description = clean(text)
	case name == "analysisresultstatuscode", name == "analysisstatus" && d.within("analysisresults"):
		d.analysis.Code = clean(text)
	case name == "analysisresultstatusdescription", name == "analysisresultdescription" && d.analysis.Description == "":
		d.analysis.Description = clean(text)
	case name == "detectorstatus", name == "instrumentstatus":
		d.statusWord(text)
	default:
		return false
	}
	return true
}

// endFault files the fault at hand. text is that of the element itself.
func (d *decoder) endFault(text string) {
	if d.fault.Description == "" {
		d.fault.Description = clean(text)
	}
	switch strings.ToLower(d.fault.Description) {
	case "ok", "no fault", "no faults", "no error", "normal":
		return
	case "":
		if d.fault.Severity == "" && (d.fault.Code == "" || d.fault.Code == "0") {
			return
		}
	}
	d.addFault(d.fault)
}

// statusWord takes over a status in one word or a few (2006): "Failed", "tube dead". One that does not say that
// something is broken, in English, is no fault.
func (d *decoder) statusWord(text string) {
	word := strings.ToLower(text)
	if strings.Contains(word, "no fault") || strings.Contains(word, "no error") {
		return
	}
	for _, broken := range []string{"fail", "fault", "error", "dead", "malfunction", "out of order", "inoperable"} {
		if strings.Contains(word, broken) {
			d.addFault(Fault{Detector: clean(d.around(detectorKeys...)), Severity: "Error", Description: clean(text)})
			return
		}
	}
}

// endAnalysis files an analysis that did not succeed.
func (d *decoder) endAnalysis() {
	switch strings.ToLower(d.analysis.Code) {
	case "", "success", "successful", "succeeded", "ok":
		return
	}
	d.analysis.Analysis = true
	d.addFault(d.analysis)
}

// addFault keeps a fault once: instruments repeat their state in each time slice.
func (d *decoder) addFault(f Fault) {
	if len(d.doc.Faults) < maxFaults && !slices.Contains(d.doc.Faults, f) {
		d.doc.Faults = append(d.doc.Faults, f)
	}
}

// Problems returns the warnings of a document, those that the instrument gave of itself first, and how many there
// are: more than texts when not all of them were kept.
func (d *Document) Problems() (texts []string, count int) {
	for _, f := range d.Faults {
		texts = append(texts, f.String())
	}
	for _, w := range d.Warnings {
		texts = append(texts, w.Error())
	}
	return texts, d.WarningCount + len(d.Faults)
}

// SevereFaults returns in words what does not work by the instrument's own account, "" for nothing, and how many faults
// that is.
func (d *Document) SevereFaults() (reason string, count int) {
	var texts []string
	for _, f := range d.Faults {
		if f.Severe() {
			texts = append(texts, f.String())
		}
	}
	return strings.Join(texts, "; "), len(texts)
}

// checkReferences warns of detectors that measured and that the document does not describe, when it describes others
// (2011).
func (d *decoder) checkReferences() {
	if d.doc.Format != Format2011 || len(d.kinds) == 0 || len(d.kinds) >= maxDetectors {
		return
	}
	for _, det := range d.doc.Detectors {
		if _, known := d.kinds[det.Name]; !known && det.Name != "" {
			d.warn("n42.detector-measured-no-raddetectorinformation",
				"detector %q measured, and no RadDetectorInformation describes it", det.Name)
		}
	}
}
