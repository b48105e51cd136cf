package dicom

//go:generate go run ./gentags
