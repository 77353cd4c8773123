/** Photos and videos alike. */
export const mediaTexts = {
  en: {
    drop: "Drop a photo or video here",
    release: "Let go to take it",
    choose: "Choose a file",
    another: "Another file",
    noPreview: "This browser cannot show this file; the server may still read it.",
    sending: "Sending {{sent}} of {{total}}",
    progress: "Upload",
    stop: "Stop",
  },
  zh: {
    drop: "将照片或视频拖到这里",
    release: "松开即可使用",
    choose: "选择文件",
    another: "换一个文件",
    noPreview: "浏览器无法显示此文件，但服务器可能可以读取。",
    sending: "正在上传 {{sent}} / {{total}}",
    progress: "上传进度",
    stop: "停止",
  },
};
