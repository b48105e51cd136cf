package dicom

import "strings"

// storage is the root of the storage SOP classes (PS3.4, B.5).
const storage = "1.2.840.10008.5.1.4.1.1."

// classes are storage classes by the numbers behind the root (PS3.4, table B.5-1; NEMA IIC 1 for 501), an entry
// standing for those below it that have none of their own. image says that their objects are pictures.
var classes = map[string]struct {
	name  string
	image bool
}{
	"1":        {"computed radiography image", true},
	"1.1":      {"digital X-ray image", true},
	"1.2":      {"digital mammography image", true},
	"1.3":      {"digital intra-oral X-ray image", true},
	"2":        {"CT image", true},
	"3":        {"ultrasound image", true},
	"4":        {"MR image", true},
	"4.2":      {"MR spectroscopy", false},
	"5":        {"nuclear medicine image", true},
	"6":        {"ultrasound image", true},
	"7":        {"secondary capture image", true},
	"9":        {"waveform", false},
	"8":        {"overlay", false},
	"10":       {"modality look-up table", false},
	"11":       {"presentation state", false},
	"11.8":     {"presentation state", false},
	"12":       {"X-ray angiographic or fluoroscopic image", true},
	"13":       {"X-ray 3D image", true},
	"14":       {"intravascular optical coherence tomography image", true},
	"20":       {"nuclear medicine image", true},
	"30":       {"parametric map", true},
	"34":       {"radiotherapy delivery record", false},
	"38":       {"hanging protocol", false},
	"39":       {"colour palette", false},
	"40":       {"inventory", false},
	"66":       {"raw data", false},
	"66.1":     {"spatial registration", false},
	"66.2":     {"spatial fiducials", false},
	"66.3":     {"deformable registration", false},
	"66.4":     {"segmentation", false},
	"66.5":     {"surface segmentation", false},
	"66.6":     {"tractography", false},
	"66.7":     {"label map segmentation", false},
	"67":       {"real world value mapping", false},
	"68":       {"surface scan", false},
	"77":       {"visible light image", true},
	"77.1.5.3": {"stereometric relationship", false},
	"78":       {"ophthalmic measurements", false},
	"79":       {"visual acuity measurements", false},
	"80":       {"ophthalmic axial measurements", false},
	"81":       {"ophthalmic map", true},
	"82":       {"ophthalmic map", true},
	"88":       {"structured report", false},
	"88.59":    {"key object selection", false},
	"88.67":    {"radiation dose report", false},
	"90":       {"content assessment", false},
	"91":       {"microscopy annotations", false},
	"104":      {"encapsulated document", false},
	"104.1":    {"encapsulated PDF", false},
	"104.2":    {"encapsulated CDA", false},
	"104.3":    {"encapsulated STL", false},
	"128":      {"PET image", true},
	"130":      {"enhanced PET image", true},
	"131":      {"basic structured display", false},
	"200":      {"CT protocol", false},
	"481.1":    {"radiotherapy image", true},
	"481":      {"radiotherapy plan or record", false},
	"481.2":    {"radiotherapy dose", false},
	"481.3":    {"radiotherapy structure set", false},
	"481.5":    {"radiotherapy plan", false},
	"501.1":    {"DICOS CT image", true},
	"501.2.1":  {"DICOS DX image, for presentation", true},
	"501.2.2":  {"DICOS DX image, for processing", true},
	"501.3":    {"DICOS threat detection report", false},
	"501.4":    {"DICOS 2D AIT image", true},
	"501.5":    {"DICOS 3D AIT image", true},
	"501.6":    {"DICOS quadrupole resonance", true},
	"601":      {"eddy current image", true},
}

// mediaDirectory is the class of DICOMDIR, the table of contents of a disc.
const mediaDirectory = "1.2.840.10008.1.3.10"

// ClassName returns what objects of a SOP class are, in words for a person, and whether they are images. known is
// false for a class that this package does not know, such as a private one; whether its objects are images is then
// told by their pixel data. Other services' objects (implant templates, work lists) are known, and no images.
func ClassName(uid string) (name string, image, known bool) {
	if uid == mediaDirectory {
		return "media directory (DICOMDIR)", false, true
	}
	rest, standard := strings.CutPrefix(uid, storage)
	if !standard {
		if strings.HasPrefix(uid, "1.2.840.10008.5.1.4.") { // hanging protocols, implants, work lists
			return "non-image object", false, true
		}
		return "", false, false
	}
	for {
		if c, ok := classes[rest]; ok {
			return c.name, c.image, true
		}
		i := strings.LastIndexByte(rest, '.')
		if i < 0 {
			return "", false, false
		}
		rest = rest[:i]
	}
}

// ImageClasses are the SOP classes of plain X-ray images, beside DICOS's own, that security systems and DICONDE
// (ASTM E2339) systems store: CR, DX, mammography, CT, secondary capture, angiography, fluoroscopy and 3D. An
// acceptor offers them only where its settings say so.
var ImageClasses = []string{
	storage + "1", storage + "1.1", storage + "1.1.1", storage + "1.2", storage + "1.2.1", storage + "2",
	storage + "2.1", storage + "2.2", storage + "7",
	storage + "7.1", storage + "7.2", storage + "7.3", storage + "7.4", storage + "12.1", storage + "12.1.1",
	storage + "12.2", storage + "12.2.1",
	storage + "13.1.1", storage + "13.1.2", storage + "13.1.3",
}
