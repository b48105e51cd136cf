package dicos

import (
	"errors"
	"io"
	"time"

	"lanewarden/drivers/xray/dicom"
)

// Opinion is what a person holds of an image.
type Opinion struct {
	Instance string // SOP instance of the report: the same opinion has the same one
	By       string // who
	At       time.Time
	Decision string // ALARM, CLEAR or UNKNOWN
	Boxes    []Box
}

// Box is a region that a person drew: two opposite corners of a box, or the corners of a polygon, in pixels.
type Box struct {
	Label string
	X, Y  []float32
}

// errNoInstance says that a report has nothing to refer to.
var errNoInstance = errors.New("the image has no SOP instance UID")

// tagOperator is who operated the equipment, (0008,1070).
const tagOperator dicom.Tag = 0x00081070

// WriteOpinion writes a threat detection report (TDR) of type OPERATOR: what a person holds of the image whose header is
// given. Each region is a potential threat object, with the person's words. The same opinion gives the same bytes.
func WriteOpinion(w io.Writer, image *dicom.File, o Opinion) error {
	of := newObject(image, time.UTC)
	class, instance := of.text(dicom.SOPClassUID), of.text(dicom.SOPInstanceUID)
	if instance == "" {
		return errNoInstance
	}
	flag := map[string]string{"ALARM": "THREAT", "CLEAR": "NO_THREAT"}[o.Decision]
	if flag == "" {
		flag = "UNKNOWN"
	}
	var threats []dicom.Dataset
	for i, b := range o.Boxes[:min(len(o.Boxes), maxObjects)] {
		var polygon []float32
		for k := range b.X[:min(len(b.X), len(b.Y), maxCorners/3)] {
			polygon = append(polygon, b.X[k], b.Y[k], 0)
		}
		assessment := dicom.Dataset{dicom.Text(tagCategory, "CS", "ANOMALY")}
		if b.Label != "" {
			assessment = append(assessment, dicom.Text(tagDescription, "LT", b.Label))
		}
		threats = append(threats, dicom.Dataset{
			dicom.Uints(tagPTO, "US", uint32(i+1)),
			dicom.Sequence(tagRepresentations, dicom.Dataset{
				dicom.Sequence(0x00081140, dicom.Dataset{dicom.Text(0x00081150, "UI", class), dicom.Text(tagReferenced, "UI", instance)}),
				dicom.Floats32(tagPolygon, polygon...),
			}),
			dicom.Sequence(tagAssessments, append(assessment,
				dicom.Text(tagAbility, "CS", "NO_INTERFERENCE"), dicom.Text(tagFlag, "CS", flag))),
		})
	}
	alarms := uint32(0)
	if o.Decision == "ALARM" {
		alarms = uint32(len(threats))
	}
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	at := o.At.UTC()
	return dicom.Write(w, &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
		dicom.Text(dicom.SpecificCharacter, "CS", "ISO_IR 192"),
		dicom.Text(dicom.SOPClassUID, "UI", classTDR), dicom.Text(dicom.SOPInstanceUID, "UI", o.Instance),
		dicom.Text(tagContentDate, "DA", at.Format("20060102")), dicom.Text(tagContentTime, "TM", at.Format("150405.000")),
		dicom.Text(tagModality, "CS", "TDR"), dicom.Text(tagOperator, "PN", o.By),
		dicom.Text(tagOOI, "LO", of.text(tagOOI)), dicom.Text(tagScan, "UI", of.text(tagScan)),
		dicom.Sequence(tagThreats, threats...), dicom.Text(tagAbortFlag, "CS", "SUCCESS"), dicom.Text(tagTDRType, "CS", "OPERATOR"),
		dicom.Text(tagDecisionTime, "DT", at.Format("20060102150405.000000")+"+0000"), dicom.Text(tagDecision, "CS", o.Decision),
		dicom.Uints(tagTotalObjects, "US", uint32(len(threats))), dicom.Uints(tagAlarmObjects, "US", alarms),
	}}, nil)
}
