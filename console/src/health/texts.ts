export const healthTexts = {
  en: {
    title: "Health report",
    intro:
      "Photos in the wrong place, people enrolled twice, look-alikes, poor photos: found, and mended with a click.",
    start: "Check now",
    again: "Check again",
    pack: "Pack",
    packDefault: "Default pack",
    never: {
      title: "Not checked yet",
      text: "Every person is compared with every other, and every photo with its own person. Nothing is changed.",
    },
    well: {
      title: "All well",
      text: "Nothing stands out: every photo fits its person, and nobody is taken for somebody else.",
    },
    checked: "Checked {{time}}",
    scope_one: "{{count}} person",
    scope_other: "{{count}} people",
    photos_one: "{{count}} photo",
    photos_other: "{{count}} photos",
    by: "{{pack}}, a match from {{threshold}}",
    partly:
      "The gallery is large: {{compared}} of {{people}} people were compared with all others. Check again to draw others.",
    more: "{{total}} were found; the worst {{shown}} are listed. Mend these, then check again.",
    outdated_one:
      "{{count}} finding is left out because its person or photo has changed since. Check again to be sure.",
    outdated_other:
      "{{count}} findings are left out because their persons or photos have changed since. Check again to be sure.",
    showDismissed: "Show what was called fine ({{total}})",
    reportAgain: "Report again",
    calledFine: "Called fine",
    showAll: "Show all {{total}}",
    severity: { label: "Severity: {{severity}}", high: "urgent", medium: "worth a look", low: "minor" },
    others: "Others of {{name}}",
    open: "Open {{name}}",
    kinds: {
      misfiled_image: "Photos in the wrong place",
      duplicate_persons: "Probably one person, enrolled twice",
      outlier_image: "Photos unlike the person's others",
      look_alikes: "Look-alikes",
      duplicate_images: "One photo, several persons",
      no_embedding: "Cannot be found",
      single_poor_image: "Only one photo, and a poor one",
    },
    why: {
      misfiled_image:
        "This photo of {{name}} does not fit {{name}}'s others and looks like {{other}}: {{score}}, a match from {{limit}}.",
      duplicate_persons:
        "{{name}} and {{other}} are so much alike that they are probably one person: {{score}}, a match from {{limit}}.",
      outlier_image:
        "This photo of {{name}} does not resemble the others: {{score}} at best, a match from {{limit}}.",
      outlier_images:
        "The photos of {{name}} do not resemble one another: {{score}} at best, a match from {{limit}}. One may show somebody else.",
      look_alikes:
        "{{name}} and {{other}} look alike: {{score}}, a match from {{limit}}. A search can take one for the other; a threshold of one's own asks for more.",
      duplicate_images: "The same photo is enrolled for {{names}} (score {{score}}).",
      same_file: "The very same file is enrolled for {{names}}.",
      no_embedding: "{{pack}} has no embedding of {{name}}: a search with it cannot find this person.",
      single_poor_image: "The only photo of {{name}} is poor (overall quality {{score}}). Add a better one.",
    },
    actions: {
      merge: "Merge {{merged}} into {{into}}",
      move_image: "Move to {{to}}",
      delete_image: "Delete the photo of {{name}}",
      delete_numbered: "Delete photo {{number}}",
      set_threshold: "{{name}}: threshold {{threshold}}",
      generate_features: "Make the embeddings",
      dismiss: "This is fine",
    },
    confirm: {
      merge: {
        title: "Merge {{merged}} into {{into}}?",
        text: "{{into}} gets all photos and embeddings; {{merged}} is then gone. This cannot be taken back.",
        confirm: "Merge",
      },
      delete_image: {
        title: "Delete this photo of {{name}}?",
        text: "The photo and its embeddings are removed for good.",
        confirm: "Delete",
      },
    },
    done: {
      merge: "{{merged}} is part of {{into}} now.",
      move_image: "The photo is {{to}}'s now.",
      delete_image: "The photo of {{name}} was deleted.",
      set_threshold: "{{name}} has a threshold of {{threshold}} now.",
      generate_features: "The embeddings are being made; see Jobs.",
      dismiss: "Noted: this will not be reported again.",
    },
  },
  zh: {
    title: "人员库体检",
    intro: "找出放错的照片、重复录入的人、相貌相近的人和质量差的照片，一键处理。",
    start: "开始体检",
    again: "重新体检",
    pack: "模型包",
    packDefault: "默认模型包",
    never: {
      title: "还没有体检过",
      text: "将每个人与其他所有人比较，并将每张照片与本人的其他照片比较。不会改动任何内容。",
    },
    well: { title: "一切正常", text: "没有发现问题：每张照片都与本人相符，也没有人会被认成别人。" },
    checked: "体检时间 {{time}}",
    scope_other: "{{count}} 人",
    photos_other: "{{count}} 张照片",
    by: "{{pack}}，达到 {{threshold}} 即为匹配",
    partly: "人员库较大：{{people}} 人中有 {{compared}} 人与其他所有人做了比较。再次体检会抽取其他人。",
    more: "共发现 {{total}} 项，此处列出最严重的 {{shown}} 项。处理后请重新体检。",
    outdated_other: "有 {{count}} 项未列出，因为相关人员或照片之后已有变化。如需确认请重新体检。",
    showDismissed: "显示已标为没问题的（{{total}}）",
    reportAgain: "恢复报告",
    calledFine: "已标为没问题",
    showAll: "显示全部 {{total}} 项",
    severity: { label: "严重程度：{{severity}}", high: "需尽快处理", medium: "值得查看", low: "轻微" },
    others: "{{name}} 的其他照片",
    open: "打开 {{name}}",
    kinds: {
      misfiled_image: "放错人的照片",
      duplicate_persons: "疑似同一人重复录入",
      outlier_image: "与本人其他照片不像",
      look_alikes: "相貌相近的人",
      duplicate_images: "同一张照片属于多人",
      no_embedding: "无法被找到",
      single_poor_image: "只有一张质量差的照片",
    },
    why: {
      misfiled_image:
        "{{name}} 的这张照片与 {{name}} 的其他照片不符，更像 {{other}}：{{score}}，达到 {{limit}} 即为匹配。",
      duplicate_persons:
        "{{name}} 与 {{other}} 非常相像，很可能是同一个人：{{score}}，达到 {{limit}} 即为匹配。",
      outlier_image: "{{name}} 的这张照片与其他照片不像：最高 {{score}}，达到 {{limit}} 才匹配。",
      outlier_images:
        "{{name}} 的照片彼此不像：最高 {{score}}，达到 {{limit}} 才匹配。其中可能有别人的照片。",
      look_alikes:
        "{{name}} 与 {{other}} 相貌相近：{{score}}，达到 {{limit}} 即为匹配。搜索可能把两人认错；设置专用阈值会更严格。",
      duplicate_images: "{{names}} 录入了同一张照片（分数 {{score}}）。",
      same_file: "{{names}} 录入了完全相同的文件。",
      no_embedding: "{{pack}} 没有 {{name}} 的特征：用它搜索时找不到此人。",
      single_poor_image: "{{name}} 唯一的照片质量差（综合质量 {{score}}），请添加一张更好的。",
    },
    actions: {
      merge: "将 {{merged}} 并入 {{into}}",
      move_image: "移到 {{to}}",
      delete_image: "删除 {{name}} 的这张照片",
      delete_numbered: "删除第 {{number}} 张",
      set_threshold: "{{name}}：阈值设为 {{threshold}}",
      generate_features: "提取特征",
      dismiss: "没问题",
    },
    confirm: {
      merge: {
        title: "将 {{merged}} 并入 {{into}}？",
        text: "{{into}} 将得到全部照片和特征，{{merged}} 随后消失。此操作无法撤销。",
        confirm: "合并",
      },
      delete_image: {
        title: "删除 {{name}} 的这张照片？",
        text: "照片及其特征将被永久删除。",
        confirm: "删除",
      },
    },
    done: {
      merge: "{{merged}} 已并入 {{into}}。",
      move_image: "照片已移到 {{to}}。",
      delete_image: "已删除 {{name}} 的照片。",
      set_threshold: "{{name}} 的阈值已设为 {{threshold}}。",
      generate_features: "正在提取特征，可在“任务”中查看。",
      dismiss: "已记下，不会再报告。",
    },
  },
};
