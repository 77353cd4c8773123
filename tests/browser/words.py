"""The words of the console that the tests look for, in both of its languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    locale: str
    gallery: str
    search: str
    compare: str
    overview: str
    enrol: str
    first_person: str
    named_by_file: str
    start_two: str
    start_three: str
    start_one: str
    done: str
    enrolled: str
    added: str
    choose: str
    close_dialog: str
    actions: str
    rename: str
    name: str
    save: str
    edit_details: str
    add_field: str
    key: str
    value: str
    delete: str
    set_primary: str
    primary: str
    delete_image: str
    open_image: str
    image_menu: str
    quality: str
    unknown: str
    recommended: str
    own_threshold: str
    options: str
    request_threshold: str
    enrol_face: str
    same: str
    different: str
    camera: str
    take_photo: str
    image_empty: str
    shortcuts: str


EN = Words(
    locale="en-US",
    gallery="Gallery",
    search="Search",
    compare="Compare",
    overview="Overview",
    enrol="Enrol",
    first_person="Enrol the first person",
    named_by_file="Persons named by file",
    start_two="Enrol 2 photos",
    start_three="Enrol 3 photos",
    start_one="Enrol 1 photo",
    done="Done",
    enrolled="Enrolled",
    added="Added to",
    choose="Choose the face",
    close_dialog="Close",
    actions="Actions for {}",
    rename="Rename",
    name="Name",
    save="Save",
    edit_details="Edit details",
    add_field="Add a field",
    key="Key",
    value="Value",
    delete="Delete",
    set_primary="Make primary",
    primary="Primary",
    delete_image="Delete photo",
    open_image="Open photo {}",
    image_menu="Actions for photo {}",
    quality="Sharpness",
    unknown="Unknown",
    recommended="recommended by the pack",
    own_threshold="Own threshold",
    options="Options",
    request_threshold="set for this search",
    enrol_face="Enrol this face",
    same="The same person",
    different="Not the same person",
    camera="Camera",
    take_photo="Take the photo",
    image_empty="Image is empty",
    shortcuts="Keyboard shortcuts",
)

ZH = Words(
    locale="zh-CN",
    gallery="人员库",
    search="搜索",
    compare="比对",
    overview="概览",
    enrol="录入",
    first_person="录入第一个人",
    named_by_file="按文件名区分的多人",
    start_two="录入 2 张照片",
    start_three="录入 3 张照片",
    start_one="录入 1 张照片",
    done="完成",
    enrolled="已录入",
    added="已添加到",
    choose="选择人脸",
    close_dialog="关闭",
    actions="对 {} 的操作",
    rename="重命名",
    name="姓名",
    save="保存",
    edit_details="编辑资料",
    add_field="添加字段",
    key="字段",
    value="值",
    delete="删除",
    set_primary="设为主照片",
    primary="主照片",
    delete_image="删除照片",
    open_image="打开照片 {}",
    image_menu="对照片 {} 的操作",
    quality="清晰度",
    unknown="未知",
    recommended="模型包推荐",
    own_threshold="自定阈值",
    options="选项",
    request_threshold="本次搜索指定",
    enrol_face="录入这张人脸",
    same="同一个人",
    different="不是同一个人",
    camera="摄像头",
    take_photo="拍照",
    image_empty="图像为空",
    shortcuts="键盘快捷键",
)
