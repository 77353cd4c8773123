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
    health_report: str
    check_now: str
    check_again: str
    all_well: str
    enrolled_twice: str
    merge_into: str
    merge: str
    is_fine: str
    show_dismissed: str
    no_longer_holds: str
    merge_another: str
    same_person_as: str
    move_photo: str
    new_person: str
    new_name: str
    move: str
    nothing_left: str
    looks_like: str
    not_live: str
    bulk: str
    upload: str
    upload_dry: str
    dry_run: str
    failed: str
    would_enrol: str
    jobs: str
    health_job: str
    clear_away: str
    no_jobs: str
    packs: str
    calibration: str
    default_badge: str
    coverage_of: str
    make_missing: str
    make_default: str
    switch: str
    switch_nevertheless: str
    not_recognised: str
    cancel: str
    pack_actions: str
    try_shadow: str
    begin: str
    end: str
    shadow_mode: str
    change_threshold: str
    least_score: str
    back_to_own: str
    download_pack: str
    download: str
    accept_terms: str
    show_all_packs: str
    delete_pack: str
    calibrate: str
    too_few_people: str
    needs_ten: str
    stranger_sentence: str
    apply_threshold: str
    one_in_100: str
    wanted_rate: str
    own_threshold_set: str
    kept_apart: str
    images: str
    run_now: str
    run_in_background: str
    delete_named: str
    picture_count: str
    format_unsupported: str
    enhance: str
    start_enhancing: str
    faces_by: str
    rest_by: str
    like_the_rest: str
    interpolation: str
    same_person: str
    gone_from_server: str
    all_gone_from_server: str
    ask_again: str
    save_result: str
    saved: str
    download_zip: str


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
    health_report="Health report",
    check_now="Check now",
    check_again="Check again",
    all_well="All well",
    enrolled_twice="Probably one person, enrolled twice",
    merge_into="Merge {} into {}",
    merge="Merge",
    is_fine="This is fine",
    show_dismissed="Show what was called fine",
    no_longer_holds="This no longer holds",
    merge_another="Merge another person…",
    same_person_as="Who is the same person as {}?",
    move_photo="Move to another person…",
    new_person="A new person",
    new_name="Name of the new person",
    move="Move",
    nothing_left="Checked: nothing is left.",
    looks_like="Looks like {}",
    not_live="Not live",
    bulk="Bulk",
    upload="Upload and enrol",
    upload_dry="Upload and try",
    dry_run="Dry run",
    failed="Failed",
    would_enrol="Would be enrolled",
    jobs="Jobs",
    health_job="Health report",
    clear_away="Clear away",
    no_jobs="No jobs",
    packs="Packs",
    calibration="Calibration",
    default_badge="Default",
    coverage_of="{} of {} photos",
    make_missing="Make {} missing embeddings",
    make_default="Make default",
    switch="Switch",
    switch_nevertheless="Switch nevertheless",
    not_recognised="I know that people will not be recognised",
    cancel="Cancel",
    pack_actions="Actions for {}",
    try_shadow="Try in the shadow",
    begin="Begin",
    end="End",
    shadow_mode="Shadow mode",
    change_threshold="Change the threshold of {}",
    least_score="Least score of a match",
    back_to_own="Back to the pack's own",
    download_pack="Download {}",
    download="Download",
    show_all_packs="Show all",
    delete_pack="Delete pack",
    accept_terms="I have read the terms",
    calibrate="Calibrate",
    too_few_people="Too few people",
    needs_ten="a calibration needs 10",
    stranger_sentence="With 10 people",
    apply_threshold="Apply to the gallery",
    one_in_100="1 in 100",
    wanted_rate="At most so many false matches",
    own_threshold_set="Set own threshold",
    kept_apart="Kept apart",
    images="Images",
    run_now="Run now",
    run_in_background="In the background",
    delete_named="Delete {}",
    picture_count="{} pictures",
    format_unsupported="Image format not supported",
    enhance="Enhance",
    start_enhancing="Enhance",
    faces_by="Faces",
    rest_by="The rest of the photo",
    like_the_rest="Like the rest of the photo",
    interpolation="Interpolation, no network",
    same_person="the same person",
    gone_from_server="Your photo is gone from the server",
    all_gone_from_server="Your photos are gone from the server",
    ask_again="Ask the server for it again",
    save_result="Save (",
    saved="Saved.",
    download_zip="Download the ZIP",
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
    health_report="人员库体检",
    check_now="开始体检",
    check_again="重新体检",
    all_well="一切正常",
    enrolled_twice="疑似同一人重复录入",
    merge_into="将 {} 并入 {}",
    merge="合并",
    is_fine="没问题",
    show_dismissed="显示已标为没问题的",
    no_longer_holds="情况已变化",
    merge_another="并入另一人…",
    same_person_as="谁与 {} 是同一个人？",
    move_photo="移给另一人…",
    new_person="新的人",
    new_name="新人员的姓名",
    move="移动",
    nothing_left="已核实：没有残留。",
    looks_like="像 {}",
    not_live="非真人",
    bulk="批量",
    upload="上传并录入",
    upload_dry="上传并试运行",
    dry_run="试运行",
    failed="失败",
    would_enrol="将会录入",
    jobs="任务",
    health_job="人员库体检",
    clear_away="清除",
    no_jobs="没有任务",
    packs="模型包",
    calibration="阈值校准",
    default_badge="默认",
    coverage_of="{} / {} 张照片",
    make_missing="补齐 {} 个缺失的特征",
    make_default="设为默认",
    switch="切换",
    switch_nevertheless="仍然切换",
    not_recognised="我知道有人将无法被识别",
    cancel="取消",
    pack_actions="对 {} 的操作",
    try_shadow="影子运行",
    begin="开始",
    end="结束",
    shadow_mode="影子模式",
    change_threshold="更改 {} 的阈值",
    least_score="判为匹配的最低分数",
    back_to_own="恢复模型包自带",
    download_pack="下载 {}",
    download="下载",
    show_all_packs="显示全部",
    delete_pack="删除模型包",
    accept_terms="我已阅读并接受",
    calibrate="开始校准",
    too_few_people="人员太少",
    needs_ten="校准至少需要 10 人",
    stranger_sentence="在 10 人中",
    apply_threshold="应用到人员库",
    one_in_100="100 次中 1 次",
    wanted_rate="误匹配最多允许",
    own_threshold_set="自定阈值设为",
    kept_apart="已用自定阈值区分",
    images="图片",
    run_now="立即运行",
    run_in_background="在后台运行",
    delete_named="删除 {}",
    picture_count="{} 张图片",
    format_unsupported="不支持的图像格式",
    enhance="照片增强",
    start_enhancing="开始增强",
    faces_by="人脸",
    rest_by="照片其余部分",
    like_the_rest="与照片其余部分相同",
    interpolation="插值，不用神经网络",
    same_person="仍是同一个人",
    gone_from_server="您的照片已从服务器消失",
    all_gone_from_server="您的照片已全部从服务器消失",
    ask_again="再向服务器索取一次",
    save_result="保存（",
    saved="已保存。",
    download_zip="下载 ZIP",
)
