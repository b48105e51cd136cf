package dicom

import "testing"

func TestClassName(t *testing.T) {
	const root = "1.2.840.10008.5.1.4.1.1."
	for uid, want := range map[string]bool{
		root + "2": true, root + "1.1.1": true, root + "7.4": true, root + "501.2.1": true,
		root + "481.1": true, root + "601.1": true, root + "12.1.1": true,
		root + "88.11": false, root + "88.33": false, root + "88.67": false, root + "104.1": false,
		root + "11.1": false, root + "481.5": false, root + "9.1.1": false,
		root + "66": false, root + "501.3": false, root + "4.2": false, "1.2.840.10008.1.3.10": false,
		"1.2.840.10008.5.1.4.38.1": false,
	} {
		if name, image, known := ClassName(uid); !known || image != want || name == "" {
			t.Errorf("%s is %q, image %v, known %v", uid, name, image, known)
		}
	}
	for _, uid := range []string{"", "1.2.3", root + "9999.1"} {
		if name, _, known := ClassName(uid); known {
			t.Errorf("%s is known as %q", uid, name)
		}
	}
	for _, uid := range ImageClasses {
		if _, image, _ := ClassName(uid); !image {
			t.Errorf("%s is no image", uid)
		}
	}
}
