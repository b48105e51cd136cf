package dicos

import (
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
)

// Tags of DICOM and DICOS (NEMA IIC 1) that become part of observations.
const (
	tagInstanceDate      dicom.Tag = 0x00080020 // study
	tagAcquisitionDate   dicom.Tag = 0x00080022
	tagContentDate       dicom.Tag = 0x00080023
	tagAcquisition       dicom.Tag = 0x0008002a // date and time
	tagStudyTime         dicom.Tag = 0x00080030
	tagAcquisitionTime   dicom.Tag = 0x00080032
	tagContentTime       dicom.Tag = 0x00080033
	tagModality          dicom.Tag = 0x00080060
	tagManufacturer      dicom.Tag = 0x00080070
	tagTimezone          dicom.Tag = 0x00080201
	tagModel             dicom.Tag = 0x00081090
	tagReferenced        dicom.Tag = 0x00081155 // SOP instance
	tagOOI               dicom.Tag = 0x00100020
	tagKVP               dicom.Tag = 0x00180060
	tagScan              dicom.Tag = 0x0020000d
	tagSeries            dicom.Tag = 0x0020000e
	tagFrames            dicom.Tag = 0x00280008
	tagRows              dicom.Tag = 0x00280010
	tagColumns           dicom.Tag = 0x00280011
	tagBitsStored        dicom.Tag = 0x00280101
	tagLowEnergy         dicom.Tag = 0x40100001
	tagHighEnergy        dicom.Tag = 0x40100002
	tagPTO               dicom.Tag = 0x40101010
	tagThreats           dicom.Tag = 0x40101011
	tagCategory          dicom.Tag = 0x40101012
	tagDescription       dicom.Tag = 0x40101013
	tagAbility           dicom.Tag = 0x40101014
	tagFlag              dicom.Tag = 0x40101015
	tagProbability       dicom.Tag = 0x40101016
	tagMass              dicom.Tag = 0x40101017
	tagDensity           dicom.Tag = 0x40101018
	tagZEffective        dicom.Tag = 0x40101019
	tagPolygon           dicom.Tag = 0x4010101d
	tagAbortReason       dicom.Tag = 0x40101021
	tagAbortFlag         dicom.Tag = 0x40101024
	tagTDRType           dicom.Tag = 0x40101027
	tagAlgorithm         dicom.Tag = 0x40101029
	tagDecisionTime      dicom.Tag = 0x4010102b
	tagDecision          dicom.Tag = 0x40101031
	tagTotalObjects      dicom.Tag = 0x40101033
	tagAlarmObjects      dicom.Tag = 0x40101034
	tagRepresentations   dicom.Tag = 0x40101037
	tagAssessments       dicom.Tag = 0x40101038
	tagTIP               dicom.Tag = 0x40101039
	tagDICOSVersion      dicom.Tag = 0x4010103a
	tagOOIType           dicom.Tag = 0x40101042
	tagAcquisitionStatus dicom.Tag = 0x40101044
	tagPhantom           dicom.Tag = 0x40101046
	tagScanType          dicom.Tag = 0x40101048
)

// classTDR is the SOP class of threat detection reports.
const classTDR = "1.2.840.10008.5.1.4.1.1.501.3"

const (
	maxObjects = 256 // of a report; their count is kept
	maxCorners = 3 * 256
)

// object reads a data set with its character set and time zone. What is not there, or is not what the standard says, is
// absent: bad fields are seen in the field, and cost only themselves.
type object struct {
	dicom.Dataset
	charset dicom.Charset
	zone    *time.Location
}

func newObject(f *dicom.File, zone *time.Location) object {
	return object{f.Dataset, f.Dataset.Charset(), zone}
}

// in returns an item of the object, whose texts have the object's character set unless it names another.
func (o object) in(d dicom.Dataset) object {
	charset := o.charset
	if d.Find(dicom.SpecificCharacter) != nil {
		charset = d.Charset()
	}
	return object{d, charset, o.zone}
}

// maxText bounds a text that is copied into an observation.
const maxText = 200

func (o object) text(tag dicom.Tag) string {
	e := o.Find(tag)
	if e == nil {
		return ""
	}
	s := strings.Join(strings.Fields(e.Decode(o.charset)), " ")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

func (o object) uint(tag dicom.Tag) uint32 {
	if n := o.Find(tag).Ints(); len(n) > 0 && n[0] > 0 && n[0] < 1<<32 {
		return uint32(n[0])
	}
	return 0
}

func (o object) float(tag dicom.Tag) float32 {
	if x := o.Find(tag).Floats(); len(x) > 0 {
		return float32(x[0])
	}
	return 0
}

func (o object) items(tag dicom.Tag) []dicom.Dataset {
	if e := o.Find(tag); e != nil {
		return e.Items
	}
	return nil
}

// dateTime parses a DT value, or a DA and TM value joined: YYYYMMDDHHMMSS.FFFFFF and perhaps &ZZXX.
func (o object) dateTime(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range []string{"20060102150405-0700", "20060102150405", "200601021504", "2006010215", "20060102"} {
		if t, err := time.ParseInLocation(layout, text, o.zone); err == nil && t.Year() > 1970 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// taken returns when the object was made, as well as it says; the zero time when it does not.
func (o object) taken() time.Time {
	if t := o.dateTime(o.text(tagAcquisition)); !t.IsZero() {
		return t
	}
	for _, pair := range [][2]dicom.Tag{{tagAcquisitionDate, tagAcquisitionTime}, {tagContentDate, tagContentTime},
		{tagInstanceDate, tagStudyTime}} {
		date, clock := o.text(pair[0]), o.text(pair[1])
		if date == "" {
			continue
		}
		if t := o.dateTime(date + clock + o.text(tagTimezone)); !t.IsZero() {
			return t
		}
		if t := o.dateTime(date + clock); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

func (o object) aborted() bool {
	flag, status := o.text(tagAbortFlag), o.text(tagAcquisitionStatus)
	return flag != "" && flag != "SUCCESS" && flag != "NO" || strings.Contains(status, "ABORT") ||
		strings.Contains(status, "FAIL")
}

func (o object) test() bool {
	tip, phantom := o.text(tagTIP), o.text(tagPhantom)
	return tip != "" && tip != "NONE" || phantom != "" && phantom != "NONE"
}

func present(energy string) bool { return energy != "" && energy != "NONE" && energy != "NO" }

// notImage describes what an object is that is no image, "" for one that is. An object of a class that is not known is
// one when it has pixels.
func (o object) notImage() string {
	class := o.text(dicom.SOPClassUID)
	name, image, known := dicom.ClassName(class)
	switch {
	case known && image, !known && (o.Find(dicom.PixelData) != nil || o.uint(tagRows) > 0):
		return ""
	case !known:
		return "object of class " + class + " without pixels"
	}
	return name + " (class " + class + ")"
}

// image returns the object as an image.
func (o object) image(f *dicom.File) *observation.XrayImage {
	i := &observation.XrayImage{
		SopClass: o.text(dicom.SOPClassUID), SopInstance: o.text(dicom.SOPInstanceUID), Modality: o.text(tagModality),
		OoiId:   o.text(tagOOI),
		OoiType: o.text(tagOOIType), ScanInstance: o.text(tagScan), SeriesInstance: o.text(tagSeries),
		ScanType:          o.text(tagScanType),
		AcquisitionStatus: o.text(tagAcquisitionStatus), Aborted: o.aborted(), AbortReason: o.text(tagAbortReason),
		Test:         o.test(),
		Manufacturer: o.text(tagManufacturer), Model: o.text(tagModel), Rows: o.uint(tagRows),
		Columns:    o.uint(tagColumns),
		BitsStored: o.uint(tagBitsStored), Frames: max(o.uint(tagFrames), 1), Kvp: o.float(tagKVP),
		LowEnergy:  present(o.text(tagLowEnergy)),
		HighEnergy: present(o.text(tagHighEnergy)), TransferSyntax: f.Syntax.UID, DicosVersion: o.text(tagDICOSVersion),
	}
	if p := o.Find(dicom.PixelData); p != nil {
		i.PixelBytes = p.Length
	}
	return i
}

// report returns the threat tags of the object, nil when it has none and is no report.
func (o object) report() *observation.XrayThreatReport {
	isReport := o.text(dicom.SOPClassUID) == classTDR
	if !isReport && o.Find(tagDecision) == nil && o.Find(tagThreats) == nil {
		return nil
	}
	r := &observation.XrayThreatReport{
		SopInstance: o.text(dicom.SOPInstanceUID), OoiId: o.text(tagOOI), ScanInstance: o.text(tagScan),
		Type:     o.text(tagTDRType),
		Decision: o.text(tagDecision), TotalObjects: o.uint(tagTotalObjects), AlarmObjects: o.uint(tagAlarmObjects),
		Aborted: o.aborted(), AbortReason: o.text(tagAbortReason), Test: o.test(), Algorithm: o.text(tagAlgorithm),
		Embedded: !isReport,
	}
	if t := o.dateTime(o.text(tagDecisionTime)); !t.IsZero() {
		r.DecisionNs = t.UnixNano()
	}
	threats := o.items(tagThreats)
	r.TotalObjects = max(r.TotalObjects, uint32(len(threats)))
	for _, it := range threats[:min(len(threats), maxObjects)] {
		r.Objects = append(r.Objects, o.in(it).threat())
	}
	r.ImageInstances = o.references(nil)
	r.Clear = isClear(r)
	return r
}

func (o object) threat() *observation.ThreatObject {
	t := &observation.ThreatObject{Id: o.uint(tagPTO)}
	for _, it := range o.items(tagAssessments) {
		a := o.in(it)
		t.Assessments = append(t.Assessments, &observation.ThreatAssessment{
			Category: a.text(tagCategory), Description: a.text(tagDescription), Ability: a.text(tagAbility),
			Flag:        a.text(tagFlag),
			Probability: a.float(tagProbability), MassG: a.float(tagMass), Density: a.float(tagDensity),
			ZEffective: a.float(tagZEffective),
		})
	}
	for _, it := range o.items(tagRepresentations) {
		region := &observation.ThreatRegion{}
		if refs := o.in(it).references(nil); len(refs) > 0 {
			region.ImageInstance = refs[0]
		}
		corners := o.in(it).Find(tagPolygon).Floats()
		for _, x := range corners[:min(len(corners), maxCorners)] {
			region.Polygon = append(region.Polygon, float32(x))
		}
		t.Regions = append(t.Regions, region)
	}
	return t
}

// references gathers the SOP instances that a data set refers to, at any depth, each once.
func (o object) references(out []string) []string {
	for _, e := range o.Dataset {
		if e.Tag == tagReferenced {
			if s := e.String(); s != "" && len(out) < maxObjects && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		for _, it := range e.Items {
			out = o.in(it).references(out)
		}
	}
	return out
}

// flagged reports whether any assessment says that an object is a threat.
func flagged(r *observation.XrayThreatReport) bool {
	for _, t := range r.Objects {
		for _, a := range t.Assessments {
			if threatFlag(a.Flag) {
				return true
			}
		}
	}
	return false
}

func threatFlag(flag string) bool { return flag == "THREAT" || flag == "HIGH_THREAT" }

// isClear calls a scan clear only when every condition agrees.
func isClear(r *observation.XrayThreatReport) bool {
	return r.Decision == "CLEAR" && r.AlarmObjects == 0 && !flagged(r) && !r.Aborted && !r.Test
}

// isAlarm reports whether somebody must look.
func isAlarm(r *observation.XrayThreatReport) bool {
	return r.Decision == "ALARM" || r.AlarmObjects > 0 || flagged(r)
}
