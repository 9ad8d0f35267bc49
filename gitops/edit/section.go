package edit

type SectionEdit struct{}

func (SectionEdit) Apply(src []byte) ([]byte, []Change, error) { return src, nil, nil }
