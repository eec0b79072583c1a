import{n as e}from"./rolldown-runtime-WkwZ5CU-.js";import{L as t,Lt as n,Mt as r,Nt as i,Q as a,R as o,Tt as s,X as c,Z as l,bt as u,m as d,ut as f,xt as p,yt as m}from"./Close-DN_k34VC.js";function h(e){return String(e).match(/[\d.\-+]*\s*(.*)/)[1]||``}function g(e){return parseFloat(e)}var _=e(n(),1);function v(e){return u(`MuiSkeleton`,e)}m(`MuiSkeleton`,[`root`,`text`,`rectangular`,`rounded`,`circular`,`pulse`,`wave`,`withChildren`,`fitContent`,`heightAuto`]);var y=s(),b=e=>{let{classes:t,variant:n,animation:r,hasChildren:i,width:a,height:o}=e;return f({root:[`root`,n,r,i&&`withChildren`,i&&!a&&`fitContent`,i&&!o&&`heightAuto`]},v,t)},x=i`
  0% {
    opacity: 1;
  }

  50% {
    opacity: 0.4;
  }

  100% {
    opacity: 1;
  }
`,S=i`
  0% {
    transform: translateX(-100%);
  }

  50% {
    /* +0.5s of delay between each loop */
    transform: translateX(100%);
  }

  100% {
    transform: translateX(100%);
  }
`,C=typeof x==`string`?null:r`
        animation: ${x} 2s ease-in-out 0.5s infinite;
      `,w=typeof S==`string`?null:r`
        &::after {
          animation: ${S} 2s linear 0.5s infinite;
        }
      `,T=a(`span`,{name:`MuiSkeleton`,slot:`Root`,overridesResolver:(e,t)=>{let{ownerState:n}=e;return[t.root,t[n.variant],n.animation!==!1&&t[n.animation],n.hasChildren&&t.withChildren,n.hasChildren&&!n.width&&t.fitContent,n.hasChildren&&!n.height&&t.heightAuto]}})(c(({theme:e})=>{let t=h(e.shape.borderRadius)||`px`,n=g(e.shape.borderRadius),r=o(e,{animation:`none`}),i=o(e,{"&::after":{animation:`none`,display:`none`}});return{display:`block`,backgroundColor:e.vars?e.vars.palette.Skeleton.bg:e.alpha(e.palette.text.primary,e.palette.mode===`light`?.11:.13),height:`1.2em`,variants:[{props:{variant:`text`},style:{marginTop:0,marginBottom:0,height:`auto`,transformOrigin:`0 55%`,transform:`scale(1, 0.60)`,borderRadius:`${n}${t}/${Math.round(n/.6*10)/10}${t}`,"&:empty:before":{content:`"\\00a0"`}}},{props:{variant:`circular`},style:{borderRadius:`50%`}},{props:{variant:`rounded`},style:{borderRadius:(e.vars||e).shape.borderRadius}},{props:({ownerState:e})=>e.hasChildren,style:{"& > *":{visibility:`hidden`}}},{props:({ownerState:e})=>e.hasChildren&&!e.width,style:{maxWidth:`fit-content`}},{props:({ownerState:e})=>e.hasChildren&&!e.height,style:{height:`auto`}},{props:{animation:`pulse`},style:C||{animation:`${x} 2s ease-in-out 0.5s infinite`}},...r?[{props:{animation:`pulse`},style:r}]:[],{props:{animation:`wave`},style:{position:`relative`,overflow:`hidden`,WebkitMaskImage:`-webkit-radial-gradient(white, black)`,"&::after":{background:`linear-gradient(
                90deg,
                transparent,
                ${(e.vars||e).palette.action.hover},
                transparent
              )`,content:`""`,position:`absolute`,transform:`translateX(-100%)`,bottom:0,left:0,right:0,top:0}}},{props:{animation:`wave`},style:w||{"&::after":{animation:`${S} 2s linear 0.5s infinite`}}},...i?[{props:{animation:`wave`},style:i}]:[]]}})),E=_.forwardRef(function(e,t){let n=l({props:e,name:`MuiSkeleton`}),{animation:r=`pulse`,className:i,component:a=`span`,height:o,style:s,variant:c=`text`,width:u,...d}=n,f={...n,animation:r,component:a,variant:c,hasChildren:!!d.children},m=b(f);return(0,y.jsx)(T,{as:a,ref:t,className:p(m.root,i),ownerState:f,...d,style:{width:u,height:o,...s}})});function D({rows:e=5,height:n=64}){let{shell:r}=d();return(0,y.jsx)(t,{role:`status`,"aria-label":r.loading,children:Array.from({length:e},(e,t)=>(0,y.jsx)(E,{variant:`rounded`,height:n,sx:{mb:1.5}},t))})}export{E as n,D as t};