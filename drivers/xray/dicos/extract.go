package dicos

import (
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
)

// Tags of DICOM (PS3.6) and DICOS (NEMA IIC 1; dcmtk's dictionary, group 4010) that become part of observations. A
// threat report nests so:
//
//	(4010,1011) threats                  an item for each potential threat object (PTO)
//	  (4010,1010) PTO id
//	  (4010,1037) representations        an item for each view
//	    (0008,1155) image, somewhere below it
//	    (4010,101d) polygon
//	  (4010,1038) assessments            an item for each opinion
//	    (4010,1012) category, (4010,1015) flag, (4010,1016) probability, ...
const (
	tagStudyDate         dicom.Tag = 0x00080020
	tagAcquisitionDate   dicom.Tag = 0x00080022
	tagContentDate       dicom.Tag = 0x00080023
	tagAcquisition       dicom.Tag = 0x0008002a // date and time
	tagStudyTime         dicom.Tag = 0x00080030
	tagAcquisitionTime   dicom.Tag = 0x00080032
	tagContentTime       dicom.Tag = 0x00080033
	tagModality          dicom.Tag = 0x00080060
	tagManufacturer      dicom.Tag = 0x00080070
	tagTimezone          dicom.Tag = 0x00080201 // offset from UTC, "-0500"
	tagModel             dicom.Tag = 0x00081090
	tagReferenced        dicom.Tag = 0x00081155 // SOP instance
	tagOOI               dicom.Tag = 0x00100020 // patient id in DICOM; in DICOS the object of inspection
	tagKVP               dicom.Tag = 0x00180060 // tube voltage in kV; MeV systems give 6000 for 6 MV
	tagScan              dicom.Tag = 0x0020000d // study instance UID
	tagSeries            dicom.Tag = 0x0020000e
	tagFrames            dicom.Tag = 0x00280008
	tagRows              dicom.Tag = 0x00280010
	tagColumns           dicom.Tag = 0x00280011
	tagBitsStored        dicom.Tag = 0x00280101
	tagLowEnergy         dicom.Tag = 0x40100001
	tagHighEnergy        dicom.Tag = 0x40100002
	tagPTO               dicom.Tag = 0x40101010 // id of a potential threat object, unique in its report
	tagThreats           dicom.Tag = 0x40101011
	tagCategory          dicom.Tag = 0x40101012
	tagDescription       dicom.Tag = 0x40101013
	tagAbility           dicom.Tag = 0x40101014
	tagFlag              dicom.Tag = 0x40101015
	tagProbability       dicom.Tag = 0x40101016 // 0 to 1
	tagMass              dicom.Tag = 0x40101017 // g
	tagDensity           dicom.Tag = 0x40101018 // g/cm3
	tagZEffective        dicom.Tag = 0x40101019
	tagPolygon           dicom.Tag = 0x4010101d // x, y, z of each corner, in pixels
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
	tagTIP               dicom.Tag = 0x40101039 // threat image projection: a threat that software drew into the image
	tagDICOSVersion      dicom.Tag = 0x4010103a
	tagOOIType           dicom.Tag = 0x40101042
	tagAcquisitionStatus dicom.Tag = 0x40101044
	tagPhantom           dicom.Tag = 0x40101046 // test object
	tagScanType          dicom.Tag = 0x40101048
)

// classTDR is the SOP class of threat detection reports.
const classTDR = "1.2.840.10008.5.1.4.1.1.501.3"

const (
	maxObjects = 256     // of a report, and image references; the count of objects is kept
	maxCorners = 3 * 256 // numbers: 256 corners of x, y, z
)

// object reads a data set with its character set and time zone. What is not there, or is not what the standard says,
// is absent: bad fields are seen in the field, and cost only themselves. So its accessors return "", 0 or nil, never
// an error.
type object struct {
	dicom.Dataset
	charset dicom.Charset
	zone    *time.Location
}

func newObject(f *dicom.File, zone *time.Location) object {
	return object{f.Dataset, f.Dataset.Charset(), zone}
}

// item returns an item of the object, whose texts have the object's character set unless it names another (PS3.3,
// C.12.1.1.2).
func (o object) item(d dicom.Dataset) object {
	charset := o.charset
	if d.Find(dicom.SpecificCharacter) != nil {
		charset = d.Charset()
	}
	return object{d, charset, o.zone}
}

// maxText bounds a text that is copied into an observation, in bytes.
const maxText = 200

// text returns an element as UTF-8, runs of white space made one blank; several values stay joined with backslashes.
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

// uint returns the first value of an element, 0 for one that is negative or needs more than 32 bits.
func (o object) uint(tag dicom.Tag) uint32 {
	if n := o.Find(tag).Ints(); len(n) > 0 && n[0] > 0 && n[0] < 1<<32 {
		return uint32(n[0])
	}
	return 0
}

// float returns the first finite value of an element.
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

// dateTime parses a DT value, or a DA and TM value joined: YYYYMMDDHHMMSS.FFFFFF and perhaps &ZZXX (PS3.5, 6.2), the
// end of which may be missing. "20240131093012.5-0500" is 14:30:12.5 UTC. A time without a zone is of o.zone. What
// is no date, or is before 1971 or after 2199 (clocks that were never set), is the zero time. The result is UTC.
func (o object) dateTime(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range []string{"20060102150405-0700", "20060102150405", "200601021504", "2006010215", "20060102"} {
		if t, err := time.ParseInLocation(layout, text, o.zone); err == nil && t.Year() > 1970 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// acquiredAt returns when the object was made, as well as it says; the zero time when it does not. In this order:
// acquisition date and time in one, acquisition, content, study. Only (0008,002A) can hold a zone itself; the others
// take that of (0008,0201) when there is one.
func (o object) acquiredAt() time.Time {
	if t := o.dateTime(o.text(tagAcquisition)); !t.IsZero() {
		return t
	}
	for _, pair := range [][2]dicom.Tag{{tagAcquisitionDate, tagAcquisitionTime}, {tagContentDate, tagContentTime},
		{tagStudyDate, tagStudyTime}} {
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

// aborted reports whether the scan was broken off. Systems say so by flag, by status, or both; a flag that is not
// known counts as an abort, as a wrong "clear" is the worse mistake.
func (o object) aborted() bool {
	flag, status := o.text(tagAbortFlag), o.text(tagAcquisitionStatus)
	return flag != "" && flag != "SUCCESS" && flag != "NO" || strings.Contains(status, "ABORT") ||
		strings.Contains(status, "FAIL")
}

// test reports whether the image holds a projected threat or a test object, as it does in training and in checks.
func (o object) test() bool {
	tip, phantom := o.text(tagTIP), o.text(tagPhantom)
	return tip != "" && tip != "NONE" || phantom != "" && phantom != "NONE"
}

// present reports whether a detector tag, (4010,0001) or (4010,0002), says that the energy was measured.
func present(energy string) bool { return energy != "" && energy != "NONE" && energy != "NO" }

// notImage describes what an object is that is no image, "" for one that is. An object of a class that is not known
// is one when it has pixels, or rows at least (those of a JPIP reference are elsewhere).
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

// report returns the threat tags of the object, nil when it has none and is no report. Decision or threats suffice
// in an object of any class: some systems put them into the image and send no TDR.
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
	for _, it := range threats {
		t := o.item(it).threat()
		if len(r.Objects) < maxObjects {
			r.Objects = append(r.Objects, t)
		} else if isThreat(t) { // what makes the report an alarm is not cut off
			r.Objects[maxObjects-1] = t
		}
	}
	r.ImageInstances = o.references(nil)
	r.Clear = isClear(r)
	return r
}

// threat returns an item of the threat sequence. A region's image is the first instance that its item refers to.
func (o object) threat() *observation.ThreatObject {
	t := &observation.ThreatObject{Id: o.uint(tagPTO)}
	for _, it := range o.items(tagAssessments) {
		a := o.item(it)
		t.Assessments = append(t.Assessments, &observation.ThreatAssessment{
			Category: a.text(tagCategory), Description: a.text(tagDescription), Ability: a.text(tagAbility),
			Flag:        a.text(tagFlag),
			Probability: a.float(tagProbability), MassG: a.float(tagMass), Density: a.float(tagDensity),
			ZEffective: a.float(tagZEffective),
		})
	}
	for _, it := range o.items(tagRepresentations) {
		region := &observation.ThreatRegion{}
		if refs := o.item(it).references(nil); len(refs) > 0 {
			region.ImageInstance = refs[0]
		}
		corners := o.item(it).Find(tagPolygon).Floats()
		for _, x := range corners[:min(len(corners), maxCorners)] {
			region.Polygon = append(region.Polygon, float32(x))
		}
		t.Regions = append(t.Regions, region)
	}
	return t
}

// references appends to out the SOP instances that a data set refers to, at any depth, each once, up to maxObjects.
// The depth is bounded by dicom.DefaultLimits.
func (o object) references(out []string) []string {
	for _, e := range o.Dataset {
		if e.Tag == tagReferenced {
			if s := e.String(); s != "" && len(out) < maxObjects && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		for _, it := range e.Items {
			out = o.item(it).references(out)
		}
	}
	return out
}

// flagged reports whether any assessment says that an object is a threat.
func flagged(r *observation.XrayThreatReport) bool { return slices.ContainsFunc(r.Objects, isThreat) }

// isThreat reports whether any assessment flags the object; a second opinion to the contrary does not count.
func isThreat(t *observation.ThreatObject) bool {
	return slices.ContainsFunc(t.Assessments, func(a *observation.ThreatAssessment) bool { return threatFlag(a.Flag) })
}

// threatFlag reports whether an assessment flag, (4010,1015), calls for somebody to look.
func threatFlag(flag string) bool { return flag == "THREAT" || flag == "HIGH_THREAT" }

// isClear calls a scan clear only when every condition agrees. Not clear is not an alarm: a timed-out decision is
// neither.
func isClear(r *observation.XrayThreatReport) bool {
	return r.Decision == "CLEAR" && r.AlarmObjects == 0 && !flagged(r) && !r.Aborted && !r.Test
}

// isAlarm reports whether somebody must look: any one condition is enough, also in an aborted or test scan.
func isAlarm(r *observation.XrayThreatReport) bool {
	return r.Decision == "ALARM" || r.AlarmObjects > 0 || flagged(r)
}
